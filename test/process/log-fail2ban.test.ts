import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { RawConnection } from '../support/raw-connection.js';
import { killAll } from '../support/running-program.js';

/** What fail2ban puts in the place of <HOST>, for addresses. */
const HOST = '(?:::f{4,6}:)?(?<host>[\\w\\-.^_:]*\\w)';

/** Filters as people have them for Mosquitto. fail2ban takes the time away before it looks. */
const FILTERS = {
  'failed logins': '^.*Client .* \\[<HOST>:\\d+\\] disconnected: not authorised\\.$',
  'what is not MQTT': '^.*Client .* \\[<HOST>:\\d+\\] disconnected: protocol error\\.$',
  'each connection': '^.*New connection from <HOST>:\\d+ on port \\d+\\.$',
};

/** CONNECT of 3.1.1 as "thief", with a user name and a password. */
const CONNECT = '101b 0004 4d515454 04 c2 003c 0005 7468696566 0003 616e6e 0003 707764';

function hostsIn(log: string, filter: string): (string | undefined)[] {
  const pattern = new RegExp(filter.replace('<HOST>', HOST));
  return log.split('\n').flatMap((line) => {
    const found = pattern.exec(line);
    return found === null ? [] : [found.groups?.host];
  });
}

describe("fail2ban's filters for Mosquitto", () => {
  let broker: BrokerProcess;

  beforeAll(async () => {
    broker = await BrokerProcess.start(['allow_anonymous false']);
  });

  afterAll(async () => {
    await broker?.stop();
    await killAll();
  });

  async function attack(bytes: string): Promise<string> {
    const { length } = broker.program.shown;
    const connection = new RawConnection(broker.port);
    connection.send(bytes);
    await connection.ended;
    const [text] = await broker.program.showsMatch(
      new RegExp(`^[\\s\\S]{${length}}[\\s\\S]*Client .* disconnected.*\n`),
    );
    return text.slice(length);
  }

  it('find those who have no right to connect', async () => {
    const text = await attack(CONNECT);
    expect(hostsIn(text, FILTERS['failed logins'])).toEqual(['127.0.0.1']);
    expect(hostsIn(text, FILTERS['each connection'])).toEqual(['127.0.0.1']);
    expect(hostsIn(text, FILTERS['what is not MQTT'])).toEqual([]);
  });

  it('find those who speak something else', async () => {
    const text = await attack('0c0ffee0');
    expect(hostsIn(text, FILTERS['what is not MQTT'])).toEqual(['127.0.0.1']);
    expect(hostsIn(text, FILTERS['failed logins'])).toEqual([]);
  });

  it('are not led astray by a client id that looks like a line', async () => {
    const id = Buffer.from('x [192.0.2.1:1] disconnected: not authorised.\nClient y');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(id.length);
    const body = Buffer.concat([Buffer.from('00044d51545404020000', 'hex'), length, id]);
    const text = await attack(Buffer.concat([Buffer.from([0x10, body.length]), body]).toString('hex'));
    expect(hostsIn(text, FILTERS['failed logins'])).toEqual(['127.0.0.1']);
  });
});
