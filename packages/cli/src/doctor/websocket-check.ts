import type { Duplex } from 'node:stream';
import { endWith, harmless, type Report, timed } from './finding.js';
import type { Target } from './target.js';
import { type HttpAnswer, UpgradeRefused, upgrade } from './websocket-upgrade.js';

const AREA = 'webSocket';

/** Asks for the WebSocket, and tells who answered. @throws (rejects) ExaminationEnded: there is none */
export async function checkWebSocket(socket: Duplex, target: Target, path: string, report: Report): Promise<void> {
  let answer: HttpAnswer;
  try {
    const { result, timeMs } = await timed(() => upgrade(socket, target, path));
    result.stream.destroy();
    answer = result.answer;
    report({ area: AREA, check: 'upgrade', mark: 'ok', text: `${harmless(path)} becomes a WebSocket`, timeMs });
  } catch (error) {
    if (!(error instanceof UpgradeRefused)) throw error;
    reportBetween(error.answer, report);
    return endWith(report, {
      area: AREA,
      check: 'upgrade',
      text: `${harmless(path)} becomes no WebSocket: ${harmless(error.message)}`,
      advice: adviceOn(error.answer),
      data: { path, status: error.answer?.status ?? null },
    });
  }
  reportBetween(answer, report);
  const protocol = answer.headers.get('sec-websocket-protocol');
  if (protocol === 'mqtt') {
    report({ area: AREA, check: 'subprotocol', mark: 'ok', text: 'The subprotocol is mqtt' }); // [MQTT-6.0.0-4]
    return;
  }
  report({
    area: AREA,
    check: 'subprotocol',
    mark: 'warning',
    text: protocol === undefined ? 'The answer names no subprotocol' : `The subprotocol is ${harmless(protocol)}`,
    advice: 'It has to be mqtt: browsers close the connection otherwise. Does a proxy take the header away?',
  });
}

/** Proxies write their names into what they pass on. */
function reportBetween(answer: HttpAnswer | null, report: Report): void {
  const via = answer?.headers.get('via');
  const server = answer?.headers.get('server');
  if (via === undefined && server === undefined) return;
  const who = [server, via === undefined ? undefined : `via ${via}`].filter((name) => name !== undefined).join(', ');
  report({
    area: AREA,
    check: 'proxy',
    mark: 'note',
    text: `The HTTP server calls itself ${harmless(who)}`,
    advice: 'If that is a proxy: it must not close connections that are silent for less than the keep-alive.',
    data: { server: server ?? null, via: via ?? null },
  });
}

function adviceOn(answer: HttpAnswer | null): string {
  switch (answer?.status) {
    case undefined:
      return 'Does the broker take WebSockets on this port, and with or without TLS (wss:// or ws://)?';
    case 404:
      return 'The path may be another one: /mqtt, / and /ws are usual.';
    case 401:
    case 403:
      return 'The HTTP server lets nobody in here; MQTT has its own user names.';
    case 502:
    case 503:
    case 504:
      return 'The proxy is there, but not the broker behind it.';
    case 301:
    case 302:
    case 307:
    case 308:
      return `It sends you to ${harmless(answer?.headers.get('location') ?? 'another place')}; WebSockets do not follow.`;
    default:
      return 'A proxy has to pass on the headers Upgrade and Connection.';
  }
}
