import protobuf from 'protobufjs/light.js';

/** The rule, type and id of each field, as `Root.fromJSON` takes them. */
function message(fields: Readonly<Record<string, readonly [type: string, id: number, rule?: 'repeated']>>) {
  return {
    // A value that is zero or false was said, and is not the same as none.
    edition: 'proto2',
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [type, id, rule]]) => [name, { type, id, ...(rule && { rule }) }]),
    ),
  };
}

/** The values that a metric, a parameter, a property and a cell of a data set may have, from a first field id on. */
function values(firstId: number, more: readonly string[] = []) {
  const types = ['uint32', 'uint64', 'float', 'double', 'bool', 'string', ...more];
  const names = ['int_value', 'long_value', 'float_value', 'double_value', 'boolean_value', 'string_value'];
  const longer: Readonly<Record<string, string>> = {
    bytes: 'bytes_value',
    DataSet: 'dataset_value',
    Template: 'template_value',
    PropertySet: 'propertyset_value',
    PropertySetList: 'propertysets_value',
  };
  return Object.fromEntries(
    types.map((type, i): [string, readonly [string, number]] => [names[i] ?? longer[type], [type, firstId + i]]),
  );
}

/** The payload of Sparkplug B, by section 6.4.1 of the Sparkplug Specification 3.0. */
export function sparkplugPayload(): protobuf.Type {
  const root = protobuf.Root.fromJSON({
    nested: {
      Payload: message({
        timestamp: ['uint64', 1],
        metrics: ['Metric', 2, 'repeated'],
        seq: ['uint64', 3],
        uuid: ['string', 4],
        body: ['bytes', 5],
      }),
      Metric: message({
        name: ['string', 1],
        alias: ['uint64', 2],
        timestamp: ['uint64', 3],
        datatype: ['uint32', 4],
        is_historical: ['bool', 5],
        is_transient: ['bool', 6],
        is_null: ['bool', 7],
        metadata: ['MetaData', 8],
        properties: ['PropertySet', 9],
        ...values(10, ['bytes', 'DataSet', 'Template']),
      }),
      MetaData: message({
        is_multi_part: ['bool', 1],
        content_type: ['string', 2],
        size: ['uint64', 3],
        seq: ['uint64', 4],
        file_name: ['string', 5],
        file_type: ['string', 6],
        md5: ['string', 7],
        description: ['string', 8],
      }),
      PropertySet: message({ keys: ['string', 1, 'repeated'], values: ['PropertyValue', 2, 'repeated'] }),
      PropertySetList: message({ propertyset: ['PropertySet', 1, 'repeated'] }),
      PropertyValue: message({
        type: ['uint32', 1],
        is_null: ['bool', 2],
        ...values(3, ['PropertySet', 'PropertySetList']),
      }),
      DataSet: message({
        num_of_columns: ['uint64', 1],
        columns: ['string', 2, 'repeated'],
        types: ['uint32', 3, 'repeated'],
        rows: ['Row', 4, 'repeated'],
      }),
      Row: message({ elements: ['DataSetValue', 1, 'repeated'] }),
      DataSetValue: message(values(1)),
      Template: message({
        version: ['string', 1],
        metrics: ['Metric', 2, 'repeated'],
        parameters: ['Parameter', 3, 'repeated'],
        template_ref: ['string', 4],
        is_definition: ['bool', 5],
      }),
      Parameter: message({ name: ['string', 1], type: ['uint32', 2], ...values(3) }),
    },
  });
  root.resolveAll();
  return root.lookupType('Payload');
}
