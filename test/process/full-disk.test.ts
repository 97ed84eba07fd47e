import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, PublishRefused } from '@cauldron/client';
import { ReasonCode } from '@cauldron/codec';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Inbox } from '../interop/inbox.js';
import { BrokerProcess } from '../support/broker-process.js';
import { killAll } from '../support/running-program.js';

const PRLIMIT = '/usr/bin/prlimit';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-full-'));
});

afterEach(async () => {
  await killAll();
  rmSync(folder, { recursive: true });
});

/** No file of the broker's may be longer from now on; writing beyond that fails, as it does on a disk that is full. */
function limitFiles(broker: BrokerProcess, bytes: number | 'unlimited'): void {
  execFileSync(PRLIMIT, ['--pid', String(broker.program.process.pid), `--fsize=${bytes}:unlimited`]);
}

describe.skipIf(!existsSync(PRLIMIT))('a broker on a disk that is full', () => {
  it('goes on, refuses what it cannot store, and recovers; all that it acknowledged is there', async () => {
    const broker = await BrokerProcess.start(['persistence true', `persistence_location ${folder}`]);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const lasting = { clientId: 'reader', clean: false, sessionExpiryInterval: 3600 };
    const reader = await connect(url, { ...lasting, clean: true, reconnect: false });
    await reader.subscribe('t/#', { qos: 1 });
    await reader.disconnect();
    limitFiles(broker, statSync(join(folder, 'data')).size + 400_000);

    const publisher = await connect(url, { reconnect: false });
    const acknowledged: string[] = [];
    const refused: unknown[] = [];
    const text = 'x'.repeat(10_000);
    const waiting: Promise<unknown>[] = [];
    let isFull = false;
    const full = broker.program.shows('The store takes nothing new: the disk does not take it').then(() => {
      isFull = true;
    });
    for (let n = 0; !isFull && n < 500; n++) {
      const published = publisher.publish('t/1', `${n} ${text}`, { qos: 1 }).then(
        () => acknowledged.push(`${n}`),
        (error: unknown) => refused.push(error),
      );
      waiting.push(published);
      await Promise.race([published, full]);
    }
    await full;
    expect(acknowledged.length).toBeGreaterThan(5);
    // It is there all the same, and says no to what it would have to store. The publisher still waits for an answer, after
    // which others come: another one hears at once.
    const other = await connect(url, { reconnect: false });
    await expect(other.publish('t/1', 'no', { qos: 1 })).rejects.toThrow(PublishRefused);
    await expect(connect(url, { clientId: 'new', sessionExpiryInterval: 10, reconnect: false })).rejects.toMatchObject({
      reasonCode: ReasonCode.QUOTA_EXCEEDED,
    });
    await other.publish('elsewhere', 'yes', { qos: 1 });
    await other.disconnect();

    limitFiles(broker, 'unlimited');
    await broker.program.shows('The store takes new data again.');
    await Promise.all(waiting);
    await publisher.publish('t/1', 'last', { qos: 1 });
    for (const error of refused) expect(error).toBeInstanceOf(PublishRefused);
    await publisher.disconnect();

    const inbox = new Inbox();
    const again = await connect(url, { ...lasting, reconnect: false, onMessage: inbox.take });
    const received: string[] = [];
    while (received.at(-1) !== 'last') received.push((await inbox.next()).text.split(' ')[0]);
    expect(received).toEqual([...acknowledged, 'last']);
    await again.disconnect();
    await broker.stop();
  });
});
