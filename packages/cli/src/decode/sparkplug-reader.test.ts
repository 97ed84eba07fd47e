import type { Type } from 'protobufjs/light.js';
import { describe, expect, it } from 'vitest';
import { decoderOf } from './payload-decoder.js';
import { sparkplugPayload } from './sparkplug-schema.js';

const PAYLOAD: Type = sparkplugPayload();
const TIME = 1_700_000_000_000;

function encoded(value: object): Uint8Array {
  return PAYLOAD.encode(PAYLOAD.fromObject(value)).finish();
}

async function metricsOf(metrics: readonly object[]): Promise<unknown[]> {
  const decoder = await decoderOf('sparkplug');
  return JSON.parse(decoder.text('spBv1.0/plant/NDATA/edge', encoded({ metrics }))).metrics;
}

describe('sparkplug', () => {
  it('names metrics by their numbers once the birth was seen', async () => {
    const decoder = await decoderOf('sparkplug');
    const data = encoded({
      timestamp: TIME,
      seq: 7,
      metrics: [
        { alias: 3, timestamp: TIME, float_value: 21.5 },
        { name: 'Count', int_value: 0xffffffff },
      ],
    });
    const topic = 'spBv1.0/plant/DDATA/edge/oven';
    expect(decoder.text(topic, data)).toBe(
      '{"timestamp": "2023-11-14T22:13:20.000Z", "seq": 7, "metrics": [' +
        '{"alias": 3, "value": 21.5, "timestamp": "2023-11-14T22:13:20.000Z"}, {"name": "Count", "value": 4294967295}]}',
    );
    const birth = encoded({
      metrics: [
        { name: 'Temperature', alias: 3, datatype: 9, float_value: 20 },
        { name: 'Count', datatype: 3, int_value: 1 },
      ],
    });
    decoder.text('spBv1.0/plant/DBIRTH/edge/oven', birth);
    expect(JSON.parse(decoder.text(topic, data)).metrics).toEqual([
      { name: 'Temperature', type: 'Float', value: 21.5, timestamp: '2023-11-14T22:13:20.000Z' },
      { name: 'Count', type: 'Int32', value: -1 },
    ]);
  });

  it('forgets the numbers of an edge node when that is born again, and knows none of another', async () => {
    const decoder = await decoderOf('sparkplug');
    const data = encoded({ metrics: [{ alias: 1, int_value: 5 }] });
    decoder.text('spBv1.0/plant/NBIRTH/edge', encoded({ metrics: [{ name: 'A', alias: 1, datatype: 7 }] }));
    expect(decoder.text('spBv1.0/plant/NDATA/edge', data)).toContain('"name": "A"');
    expect(decoder.text('spBv1.0/plant/NDATA/other', data)).toContain('"alias": 1');
    decoder.text('spBv1.0/plant/NBIRTH/edge', encoded({ metrics: [{ name: 'B', alias: 2, datatype: 7 }] }));
    expect(decoder.text('spBv1.0/plant/NDATA/edge', data)).toContain('"alias": 1');
  });

  it.each([
    ['Int8', 1, { int_value: 0xff }, -1],
    ['Int16', 2, { int_value: 0xfffe }, -2],
    ['Int64', 4, { long_value: '18446744073709551615' }, -1],
    ['UInt64', 8, { long_value: 5 }, 5],
    ['Double', 10, { double_value: 0.1 }, 0.1],
    ['Boolean', 11, { boolean_value: false }, false],
    ['String', 12, { string_value: 'x' }, 'x'],
    ['DateTime', 13, { long_value: TIME }, '2023-11-14T22:13:20.000Z'],
    ['Bytes', 17, { bytes_value: Buffer.of(1, 2) }, '0x0102'],
    ['Int16Array', 23, { bytes_value: Buffer.of(0xff, 0xff, 1, 0) }, [-1, 1]],
    ['Int16Array', 23, { bytes_value: Buffer.of(0xff) }, '0xff'],
    ['BooleanArray', 32, { bytes_value: Buffer.of(255, 255, 255, 255) }, '0xffffffff'],
    ['StringArray', 33, { bytes_value: Buffer.from('ab\0c\0') }, ['ab', 'c']],
    ['type 99', 99, { int_value: 1 }, 1],
    ['Float', 9, { is_null: true }, null],
    ['DataSet', 16, { int_value: 1 }, 1],
  ])('shows a value of %s (%i) from %j', async (type, datatype, value, shown) => {
    expect(await metricsOf([{ name: 'm', datatype, ...value }])).toEqual([{ name: 'm', type, value: shown }]);
  });

  it('shows booleans, data sets, templates and properties by their names', async () => {
    const [booleans, table, template] = await metricsOf([
      { name: 'b', datatype: 32, bytes_value: Buffer.of(3, 0, 0, 0, 0b1010_0000) },
      {
        name: 't',
        datatype: 16,
        dataset_value: {
          num_of_columns: 2,
          columns: ['id', 'on'],
          types: [1, 11],
          rows: [{ elements: [{ int_value: 0xff }, { boolean_value: true }] }],
        },
        properties: { keys: ['unit'], values: [{ type: 12, string_value: 'C' }] },
      },
      {
        name: 'u',
        datatype: 19,
        is_historical: true,
        template_value: {
          template_ref: 'motor',
          parameters: [{ name: 'size', type: 3, int_value: 0xffffffff }],
          metrics: [{ name: 'rpm', datatype: 7, int_value: 900 }],
        },
      },
    ]);
    expect(booleans).toMatchObject({ value: [true, false, true] });
    expect(table).toMatchObject({ value: [{ id: -1, on: true }], properties: { unit: 'C' } });
    expect(template).toMatchObject({
      historical: true,
      value: {
        template_ref: 'motor',
        parameters: { size: -1 },
        metrics: [{ name: 'rpm', type: 'UInt32', value: 900 }],
      },
    });
  });

  it('shows the state of a host application as text', async () => {
    const decoder = await decoderOf('sparkplug');
    const state = Buffer.from(`{"online":true,"timestamp":${TIME}}`);
    expect(decoder.text('spBv1.0/STATE/scada', state)).toBe(
      '{"online": true, "timestamp": "2023-11-14T22:13:20.000Z"}',
    );
    expect(decoder.text('STATE/scada', Buffer.from('ONLINE'))).toBe('ONLINE');
  });

  it.each([
    ['home/kitchen', '', /^\(no Sparkplug B: the topic is none of spBv1\.0/],
    ['spBv1.0/plant/NDATA/edge', 'ffff', /^\(no Sparkplug B: .*\) ff ff/],
    ['spBv1.0/STATE/scada', 'ff', /^\(no Sparkplug B: .*\) ff/],
  ])('on %s %s is shown with the reason', async (topic, hex, shown) => {
    expect((await decoderOf('sparkplug')).text(topic, Buffer.from(hex, 'hex'))).toMatch(shown);
  });
});
