import type { BatchedOutput } from '../command-line/batched-output.js';
import type { PayloadDecoder } from '../decode/payload-decoder.js';
import type { Format } from '../format/format.js';
import { preciseNow } from '../format/moment.js';
import type { PrintedMessage } from '../format/printed-message.js';
import type { Printer } from './printer.js';

/** As mosquitto_sub prints, byte for byte. */
export class FormatPrinter implements Printer {
  readonly #output: BatchedOutput;
  readonly #format: Format;

  constructor(output: BatchedOutput, format: Format) {
    this.#output = output;
    this.#format = format;
  }

  message(message: PrintedMessage): void {
    const format = this.#format;
    format.write(this.#output.sink, message, format.needsTime ? preciseNow() : 0);
    this.#output.written();
  }
}

/** The same, with payloads that are shown as text. */
export class DecodedPrinter implements Printer {
  readonly #output: BatchedOutput;
  readonly #format: Format;
  readonly #decoder: PayloadDecoder;

  constructor(output: BatchedOutput, format: Format, decoder: PayloadDecoder) {
    this.#output = output;
    this.#format = format;
    this.#decoder = decoder;
  }

  message(message: PrintedMessage): void {
    const { topic, payload, qos, retain, packetId, properties } = message;
    const decoded = payload.length === 0 ? undefined : Buffer.from(this.#decoder.text(topic, payload));
    const shown = { topic, payload, decoded, qos, retain, packetId, properties };
    this.#format.write(this.#output.sink, shown, preciseNow());
    this.#output.written();
  }
}
