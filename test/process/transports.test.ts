import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { freePort } from '../support/free-port.js';
import { RawConnection } from '../support/raw-connection.js';
import { killAll } from '../support/running-program.js';

const CONNECT = '100d 0004 4d515454 04 02 0000 0001 61';
const CONNACK = '20020000';
const PING = 'c000';
const PONG = 'd000';
const HEADER = Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 40000 1883\r\n').toString('hex');
/** The device of 127.0.0.1. */
const LOOPBACK = Object.entries(networkInterfaces()).find(([, addresses]) =>
  addresses?.some(({ address }) => address === '127.0.0.1'),
)?.[0];

async function said(connection: RawConnection, hex: string, length: number): Promise<string> {
  connection.send(hex);
  return (await connection.received(length)).toString('hex');
}

const getPage = (path: string) =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n`);

describe('the transports of a broker', () => {
  afterEach(killAll);

  it('change by a reload for those who connect then, and nobody who is connected notices', async () => {
    const broker = await BrokerProcess.start();
    const before = new RawConnection(broker.port);
    expect(await said(before, CONNECT, 4)).toBe(CONNACK);

    expect(await broker.reload(['enable_proxy_protocol 1'])).toBe(true);
    const direct = new RawConnection(broker.port);
    direct.send(CONNECT);
    await direct.ended;
    await broker.program.showsMatch(/^Connection from 127\.0\.0\.1:\d+ rejected: no PROXY header of version 1 came/m);
    const proxied = new RawConnection(broker.port);
    expect(await said(proxied, HEADER + CONNECT.replace(/61$/, '62'), 4)).toBe(CONNACK);
    await broker.program.shows('New connection from 192.0.2.7:40000 on port');
    await broker.program.shows('New client connected from 192.0.2.7:40000 as b ');

    expect(await broker.reload(['websockets_path /elsewhere'])).toBe(true);
    const asking = new RawConnection(broker.port);
    asking.socket.write(getPage('/mqtt'));
    expect((await asking.ended).toString()).toMatch(/^HTTP\/1\.1 404 .*\/elsewhere/s);

    for (const connection of [before, proxied]) {
      expect(await said(connection, PING, 6)).toBe(CONNACK + PONG);
      connection.socket.destroy();
    }
    await broker.stop();
  });

  it('stay as they are when a reload contradicts itself', async () => {
    const broker = await BrokerProcess.start();
    const contradiction = ['enable_proxy_protocol 1', 'certfile /nowhere.crt', 'keyfile /nowhere.key'];
    expect(await broker.reload(contradiction)).toBe(false);
    expect(await said(new RawConnection(broker.port), CONNECT, 4)).toBe(CONNACK);
    await broker.stop();
  });

  it('say nothing of refused connections when connection_messages is false', async () => {
    const broker = await BrokerProcess.start(['enable_proxy_protocol 2', 'connection_messages false']);
    const direct = new RawConnection(broker.port);
    direct.send(CONNECT);
    await direct.ended;
    const { stderr } = await broker.program.stop();
    expect(stderr).not.toContain('rejected');
  });

  it('are opened at the addresses of a device', async () => {
    const port = await freePort();
    const broker = await BrokerProcess.start([`listener ${port}`, `bind_interface ${LOOPBACK}`, 'socket_domain ipv4']);
    expect(await said(new RawConnection(port), CONNECT, 4)).toBe(CONNACK);
    expect(broker.program.shown).not.toContain(`Opening ipv6 listen socket on port ${port}.`);
    await broker.stop();
  });

  it('are not opened on a device that is not there, and those that are there are named', async () => {
    const started = BrokerProcess.start(['listener 0', 'bind_interface nowhere0']);
    await expect(started).rejects.toThrow(
      `no network device 'nowhere0' with an address; this machine has ${Object.keys(networkInterfaces()).join(', ')}.`,
    );
  });

  it('leave a listener of the HTTP API closed, and say so', async () => {
    const port = await freePort();
    const broker = await BrokerProcess.start([`listener ${port} 127.0.0.1`, 'protocol http_api']);
    expect((await new RawConnection(port).ended).length).toBe(0);
    expect(broker.program.shown).toContain('protocol http_api: the listener is not opened');
    expect(broker.program.shown).not.toContain(`listen socket on port ${port}.`);
    await broker.stop();
  });
});
