import { decodePacket, Framer, type Packet } from '@cauldron/codec';
import { describe, expect, it } from 'vitest';
import { BrokerProcess, runCauldron } from '../support/broker-process.js';
import { RawConnection } from '../support/raw-connection.js';

const SHUTTING_DOWN = 0x8b;

function packetsIn(bytes: Buffer, version: 4 | 5): Packet[] {
  const framer = new Framer();
  framer.feed(bytes, bytes.length);
  const packets: Packet[] = [];
  while (framer.next()) packets.push(decodePacket(framer.bytes, framer.start, framer.body, framer.end, version));
  return packets;
}

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('ends the broker with 0, and 5.0 clients are told', async () => {
    const broker = await BrokerProcess.start();
    const five = new RawConnection(broker.port);
    five.send('10 0e 0004 4d515454 05 02 003c 00 0001 35');
    await five.received(5);
    const four = new RawConnection(broker.port);
    four.send('10 0d 0004 4d515454 04 02 003c 0001 34');
    await four.received(4);
    const silent = new RawConnection(broker.port);
    const half = new RawConnection(broker.port);
    half.socket.write('GET / HTTP/1.1\r\n');
    await broker.program.showsMatch(/(New connection[\s\S]*){4}/);

    expect(await broker.program.stop(signal)).toMatchObject({ exitCode: 0 });
    expect(packetsIn(await five.ended, 5).at(-1)).toMatchObject({ type: 14, reasonCode: SHUTTING_DOWN });
    expect(packetsIn(await four.ended, 4).map(({ type }) => type)).toEqual([2]);
    expect(await silent.ended).toHaveLength(0);
    await half.ended;
    expect(broker.program.shown).toMatch(/terminating\n/);
    expect(broker.program.shown).not.toMatch(/^Error/m);
    await broker.stop();
  });
});

it('SIGTERM ends the broker, too, when a client takes nothing of what waits for it', async () => {
  const broker = await BrokerProcess.start();
  const stuck = new RawConnection(broker.port);
  stuck.send('10 11 0004 4d515454 04 02 0000 0005 737475636b');
  stuck.send('82 06 0001 0001 78 00');
  await broker.hasSubscribed('stuck', 'x');
  stuck.socket.pause();
  const flood = ['pub', ...broker.flags, '-q', '1', '-t', 'x', '--repeat', '20', '-s'];
  expect(await runCauldron(flood, Buffer.alloc(1_000_000)).ended).toMatchObject({ exitCode: 0 });
  expect(await broker.program.stop()).toMatchObject({ exitCode: 0 });
  stuck.socket.destroy();
  await broker.stop();
});
