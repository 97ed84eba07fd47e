import { jsonText } from './json-text.js';
import type { PayloadReader } from './payload-decoder.js';
import { protobufValue } from './protobuf-value.js';
import { sparkplugPayload } from './sparkplug-schema.js';
import { rawValue, timeOf, typedValue, typeName } from './sparkplug-values.js';

/** What is remembered of births at most; then the edge node that was born first is forgotten. */
const REMEMBERED_METRICS = 200_000;

type Fields = Readonly<Record<string, unknown>>;

/** What a BIRTH said of a metric, and later messages leave out. */
interface Definition {
  readonly name: string;
  readonly type: string;
}

/**
 * The payloads of Sparkplug B: metrics with names, types and times. DATA messages name their metrics by numbers; their
 * names are known when the BIRTH came before, else the number is shown as `alias`. STATE messages of host applications
 * are text.
 */
export function sparkplugReader(indent: number): PayloadReader {
  const payloadType = sparkplugPayload();
  const births = new Births();
  return (topic, payload) => {
    const parts = topic.split('/');
    const [namespace, group, kind, node] = parts;
    if (group === 'STATE' || namespace === 'STATE') return stateText(payload, indent);
    if (namespace !== 'spBv1.0' || node === undefined) throw new Error('the topic is none of spBv1.0/GROUP/TYPE/NODE');
    const fields = protobufValue(payloadType, payload);
    const { timestamp, metrics, ...rest } = fields;
    const edgeNode = `${group}/${node}`;
    if (kind === 'NBIRTH') births.forget(edgeNode);
    const device = parts.slice(4).join('/');
    const shown = listOf(metrics).map((metric) => {
      if (kind === 'NBIRTH' || kind === 'DBIRTH') births.remember(edgeNode, device, metric);
      return metricValue(metric, births.definitionOf(edgeNode, device, metric));
    });
    const time = timestamp === undefined ? {} : { timestamp: timeOf(timestamp) };
    return jsonText({ ...time, ...rest, ...(shown.length > 0 && { metrics: shown }) }, indent);
  };
}

function stateText(payload: Uint8Array, indent: number): string {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(payload);
  try {
    const state = JSON.parse(text);
    return jsonText(
      typeof state?.timestamp === 'number' ? { ...state, timestamp: timeOf(state.timestamp) } : state,
      indent,
    );
  } catch (error) {
    // Before 3.0 it is a word.
    if (text === 'ONLINE' || text === 'OFFLINE') return text;
    throw error;
  }
}

/** The definitions of the births that were seen. */
class Births {
  /** By edge node; in it by the number of a metric, which is unique there, and by its device and name. */
  readonly #nodes = new Map<string, Map<string, Definition>>();
  #count = 0;

  remember(edgeNode: string, device: string, metric: Fields): void {
    const { name, alias, datatype } = metric;
    if (typeof name !== 'string') return;
    const node = this.#nodes.get(edgeNode) ?? new Map<string, Definition>();
    this.#nodes.set(edgeNode, node);
    const definition = { name, type: typeName(Number(datatype ?? 0)) };
    this.#count -= node.size;
    node.set(nameKey(device, name), definition);
    if (alias !== undefined) node.set(aliasKey(alias), definition);
    this.#count += node.size;
    for (const [oldest] of this.#nodes) {
      if (this.#count <= REMEMBERED_METRICS) break;
      this.forget(oldest);
    }
  }

  definitionOf(edgeNode: string, device: string, { name, alias }: Fields): Definition | undefined {
    const node = this.#nodes.get(edgeNode);
    return typeof name === 'string' ? node?.get(nameKey(device, name)) : node?.get(aliasKey(alias));
  }

  forget(edgeNode: string): void {
    this.#count -= this.#nodes.get(edgeNode)?.size ?? 0;
    this.#nodes.delete(edgeNode);
  }
}

function nameKey(device: string, name: string): string {
  return `${device}\n${name}`;
}

function aliasKey(alias: unknown): string {
  return `#${alias}`;
}

function metricValue(metric: Fields, definition?: Definition): Record<string, unknown> {
  const {
    name = definition?.name,
    alias,
    timestamp,
    datatype,
    is_historical,
    is_transient,
    metadata,
    properties,
  } = metric;
  const type = datatype === undefined ? definition?.type : typeName(Number(datatype));
  return {
    ...(name === undefined ? { alias } : { name }),
    ...(type !== undefined && { type }),
    value: shownValue(metric, type ?? ''),
    ...(timestamp !== undefined && { timestamp: timeOf(timestamp) }),
    ...(is_historical === true && { historical: true }),
    ...(is_transient === true && { transient: true }),
    ...(metadata !== undefined && { metadata }),
    ...(properties !== undefined && { properties: propertySet(properties as Fields) }),
  };
}

/** The value of a metric, parameter, property or cell; null when it has none. */
function shownValue(fields: Fields, type: string): unknown {
  const found = rawValue(fields);
  if (found === null) return null;
  const { field, raw } = found;
  if (field === 'dataset_value') return dataSet(raw as Fields);
  if (field === 'template_value') return template(raw as Fields);
  if (field === 'propertyset_value') return propertySet(raw as Fields);
  if (field === 'propertysets_value') return listOf((raw as Fields).propertyset).map(propertySet);
  return typedValue(type, raw);
}

/** Its rows as objects, by the names of the columns. */
function dataSet({ columns, types, rows }: Fields): unknown {
  const names = (columns ?? []) as readonly string[];
  const typesOf = (types ?? []) as readonly number[];
  return listOf(rows).map(({ elements }) => {
    return new Map(
      listOf(elements).map((cell, i) => [names[i] ?? `column ${i}`, shownValue(cell, typeName(typesOf[i] ?? 0))]),
    );
  });
}

function template({ metrics, parameters, ...rest }: Fields): unknown {
  const named = listOf(parameters).map((one): [unknown, unknown] => [
    one.name,
    shownValue(one, typeName(Number(one.type ?? 0))),
  ]);
  return {
    ...rest,
    ...(named.length > 0 && { parameters: new Map(named) }),
    metrics: listOf(metrics).map((metric) => metricValue(metric)),
  };
}

function propertySet({ keys, values }: Fields): unknown {
  const all = listOf(values);
  const names = (keys ?? []) as readonly string[];
  return new Map(names.map((key, i) => [key, all[i] && shownValue(all[i], typeName(Number(all[i].type ?? 0)))]));
}

function listOf(value: unknown): readonly Fields[] {
  return (value ?? []) as readonly Fields[];
}
