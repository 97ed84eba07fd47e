import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { RawConnection } from '../support/raw-connection.js';

const CONNECT = '10 0d 0004 4d515454 04 02 003c 0001 61';
const CONNACK = '20020000';

describe('the first bytes of a connection', () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.start(['connect_timeout 1']);
  });

  afterAll(() => broker.stop());

  const answerTo = async (bytes: string | Buffer) => {
    const connection = new RawConnection(broker.port);
    connection.socket.write(bytes);
    return (await connection.ended).toString('latin1');
  };

  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

  // Some end with the time-out only: they wait for it together.
  describe.concurrent('that are no MQTT, or not at once', () => {
    it.each<[string, string | Buffer]>([
      ['text', 'hello broker\r\n\r\n'],
      ['a TLS ClientHello', hex('16 03 01 00 c8 01 00 00 c4 03 03')],
      ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
      ['random bytes', hex('ff 00 ff 00 9c 3e 11 87 42 00 d0 5f')],
      ['a packet that is not CONNECT', hex('c0 00')],
      ['a packet that says that it has 256 MB', hex('10 ff ff ff 7f 00')],
      ['a length that does not end', hex('10 ff ff ff ff ff')],
    ])('%s: the connection is ended without an answer', async (_, bytes) => {
      expect(await answerTo(bytes)).toBe('');
    });

    it('a CONNECT of an unknown version is refused with the code for it [MQTT-3.1.2-2]', async () => {
      expect(await answerTo(hex('10 0d 0004 4d515454 07 02 003c 0001 61'))).toBe('\x20\x02\x00\x01');
    });

    it('a plain HTTP request gets an HTTP answer that is not a page', async () => {
      const answer = await answerTo('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    });

    it('a WebSocket handshake for another protocol than MQTT is refused', async () => {
      const handshake = [
        'GET /mqtt HTTP/1.1',
        'Host: localhost',
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        'Sec-WebSocket-Protocol: chat',
      ];
      expect(await answerTo(`${handshake.join('\r\n')}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4\d\d /);
    });

    it.each<[string, Buffer]>([
      ['nothing', Buffer.alloc(0)],
      ['half a CONNECT', hex('10 0d 0004 4d51')],
      ['half of an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHo')],
      ['the first letter of one', Buffer.from('G')],
    ])('a client that sends %s and waits is not waited for longer than connect_timeout', async (_, bytes) => {
      const answer = await answerTo(bytes);
      expect(answer === '' || /^HTTP\/1\.1 4\d\d /.test(answer)).toBe(true);
    });

    it.each([1, 2, 5, 14])('a CONNECT in pieces of %i bytes is taken', async (length) => {
      const connection = new RawConnection(broker.port);
      connection.socket.setNoDelay(true);
      const bytes = hex(CONNECT);
      for (let at = 0; at < bytes.length; at += length) {
        await new Promise<void>((resolve) => connection.socket.write(bytes.subarray(at, at + length), () => resolve()));
      }
      expect((await connection.received(4)).toString('hex')).toBe(CONNACK);
      connection.send('e0 00');
      await connection.ended;
    });
  });

  it('after all of that others are served', async () => {
    const connection = new RawConnection(broker.port);
    connection.send(CONNECT);
    expect((await connection.received(4)).toString('hex')).toBe(CONNACK);
    connection.send('c0 00');
    expect((await connection.received(6)).toString('hex')).toBe(`${CONNACK}d000`);
    connection.socket.destroy();
    expect(broker.program.shown).not.toMatch(/^Error/m);
  });
});
