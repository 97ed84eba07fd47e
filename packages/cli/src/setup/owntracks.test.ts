import { encode } from 'uqr';
import { describe, expect, it } from 'vitest';
import { ownTracksConfiguration, ownTracksLink } from './owntracks.js';
import { qrCode } from './qr-code.js';

const CLIENT = {
  user: 'jjolie',
  device: 'phone',
  trackerId: 'ie',
  host: 'myhome.example.org',
  port: 8883,
  password: 's1kr3t',
  certificate: null,
};

describe('the configuration of an OwnTracks app', () => {
  it('has all that the app needs to connect by TLS', () => {
    expect(ownTracksConfiguration(CLIENT, Buffer.from('CA'))).toMatchObject({
      _type: 'configuration',
      mode: 0,
      host: 'myhome.example.org',
      port: 8883,
      tls: true,
      auth: true,
      username: 'jjolie',
      password: 's1kr3t',
      clientId: 'jjolie-phone',
      deviceId: 'phone',
      tid: 'ie',
      tlsCaCrt: 'Q0E=',
    });
  });

  it('has the certificate in the place of a password', () => {
    const certificate = { fileName: 'jjolie.otrp', bytes: Buffer.from('P12'), passphrase: 'open' };
    const made = ownTracksConfiguration({ ...CLIENT, password: null, certificate }, null);
    expect(made).toMatchObject({ auth: false, clientpkcs: 'jjolie.otrp', passphrase: 'open', tlsClientCrt: 'UDEy' });
    expect(made).not.toHaveProperty('password');
    expect(made).not.toHaveProperty('tlsCaCrt');
  });

  it('fits into a link that says the same', () => {
    const made = ownTracksConfiguration(CLIENT, null);
    const [, inline] = /^owntracks:\/\/\/config\?inline=([\w+/]+=*)$/.exec(ownTracksLink(made)) ?? [];
    expect(JSON.parse(Buffer.from(inline, 'base64').toString())).toEqual(made);
  });
});

describe('a QR code in a terminal', () => {
  const text = ownTracksLink(ownTracksConfiguration(CLIENT, null));
  const { data, size } = encode(text, { border: 2 });
  const halves: Readonly<Record<string, readonly [boolean, boolean]>> = {
    ' ': [false, false],
    '▀': [true, false],
    '▄': [false, true],
    '█': [true, true],
  };

  /** The modules in a picture: whether there is ink. */
  function inkOf(picture: string): boolean[][] {
    const lines = picture
      .split('\n')
      .slice(0, -1)
      .map((line) => [...line]);
    return lines
      .flatMap((line) => [line.map((char) => halves[char][0]), line.map((char) => halves[char][1])])
      .slice(0, size);
  }

  it('is dark on light where there are colours', () => {
    const picture = qrCode(text, true);
    expect(picture.startsWith('\x1b[30;107m')).toBe(true);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(inkOf(picture.replaceAll(/\x1b\[[\d;]*m/g, ''))).toEqual(data);
  });

  it('is light on dark without colours', () => {
    expect(inkOf(qrCode(text, false))).toEqual(data.map((row) => row.map((isDark) => !isDark)));
  });
});
