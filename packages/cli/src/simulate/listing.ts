import type { Simulation, SimulationEvent } from './simulation.js';

/** What would happen until then, a line for each event. */
export function* listing(simulation: Simulation, endMs: number): Generator<string> {
  for (const event of simulation.until(endMs)) {
    yield `${new Date(event.atMs).toISOString()}  ${textOf(event, simulation.devices[event.device].id)}\n`;
  }
}

function textOf(event: SimulationEvent, id: string): string {
  if (event.kind === 'cut') return `(${id} is cut off for ${((event.untilMs - event.atMs) / 1_000).toFixed(1)} s)`;
  if (event.kind === 'return') return `(${id} is back)`;
  const { topic, payload, qos, retain } = event.publication;
  const how = [qos > 0 ? `QoS ${qos}` : '', retain ? 'retained' : ''].filter((word) => word !== '').join(', ');
  return `${topic}${how === '' ? '' : ` (${how})`}  ${payload.replace(/\p{Cc}/gu, '?')}`;
}
