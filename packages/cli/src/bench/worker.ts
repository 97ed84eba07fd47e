import { performance } from 'node:perf_hooks';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { connectionTarget } from '../connection/connection-flags.js';
import { BenchFailure } from './bench-failure.js';
import { Board } from './board.js';
import { ClosedLoop, type Loop } from './closed-loop.js';
import { ErrorTally } from './error-tally.js';
import { OpenLoop } from './open-loop.js';
import { OpenSchedule } from './open-schedule.js';
import type { PublisherSetting } from './publisher.js';
import { type ReceiverSetting, sumOfVerifications } from './receiver.js';
import { runClock } from './run-clock.js';
import { shareOf } from './shape.js';
import { WorkerClients } from './worker-clients.js';
import type { Answer, Order, Period, WorkerData } from './worker-messages.js';

/** Messages of a publisher that may be on their way in an open loop: as many as the broker takes. */
const MOST_PENDING = 65_535;

/** One thread of `cauldron bench`: its clients, its part of the load, what it measures. */
class BenchWorker {
  readonly #port: MessagePort;
  readonly #data: WorkerData;
  readonly #clock: () => number;
  readonly #board: Board;
  readonly #clients: WorkerClients;
  readonly #errors = new ErrorTally();
  readonly #publisherSetting: PublisherSetting;
  readonly #receiverSetting: ReceiverSetting;
  #loop: Loop | null = null;
  /** The event loop when measuring began, and how busy it was then. */
  #begun: ReturnType<typeof performance.eventLoopUtilization> | null = null;
  #utilisation: number | null = null;

  constructor(port: MessagePort, data: WorkerData) {
    this.#port = port;
    this.#data = data;
    const { plan, worker, values } = data;
    const target = connectionTarget(values);
    this.#clock = runClock(data.originMs);
    this.#board = new Board(data.board, plan.workers, plan.publishers * plan.topics);
    const wake = (): void => this.#loop?.wake();
    const common = {
      board: this.#board,
      counts: this.#board.countsOf(worker),
      times: this.#board.timesOf(worker),
      errors: this.#errors,
      clock: this.#clock,
      mark: plan.mark,
      size: plan.size,
      version: target.options.protocolVersion ?? 5,
      measureFromUs: 0,
    };
    this.#publisherSetting = {
      ...common,
      qos: plan.qos,
      retain: plan.retain,
      properties: target.properties.publish,
      aliases: plan.aliases,
      mostPending: plan.rate === null ? plan.window : MOST_PENDING,
      onRoom: wake,
    };
    this.#receiverSetting = { ...common, onDelivery: wake };
    const share = shareOf(plan, plan.idle, worker, plan.workers);
    this.#clients = new WorkerClients(plan, target, share, this.#publisherSetting, this.#receiverSetting);
  }

  async prepare(): Promise<void> {
    const { worker } = this.#data;
    try {
      const beganMs = performance.now();
      await this.#clients.connect(this.#board.countsOf(worker), this.#board.timesOf(worker));
      this.#tell({ kind: 'connected', tookMs: performance.now() - beganMs });
      await this.#clients.subscribe();
      this.#tell({ kind: 'ready' });
    } catch (error) {
      if (!(error instanceof BenchFailure)) throw error;
      this.#tell({ kind: 'failed', text: error.message });
    }
  }

  async obey(order: Order): Promise<void> {
    switch (order.kind) {
      case 'run':
        this.#run(order.period);
        break;
      case 'stop':
        this.#measureUtilisation();
        this.#loop?.stop();
        break;
      case 'report': {
        const verification = sumOfVerifications(this.#clients.receivers.map((receiver) => receiver.verify()));
        this.#tell({
          kind: 'report',
          report: { verification, errors: this.#errors.entries, utilisation: this.#utilisation },
        });
        break;
      }
      case 'leave':
        await this.#clients.leave();
        this.#tell({ kind: 'left' });
        this.#port.close();
        break;
    }
  }

  #run({ startUs, measureFromUs, endUs }: Period): void {
    this.#publisherSetting.measureFromUs = measureFromUs;
    this.#receiverSetting.measureFromUs = measureFromUs;
    this.#at(Math.max(startUs, measureFromUs), () => {
      this.#begun = performance.eventLoopUtilization();
    });
    const loop = this.#loopOf(startUs, measureFromUs);
    this.#loop = loop;
    if (loop === null) this.#tell({ kind: 'stopped' });
    else this.#at(startUs, () => loop.start());
    if (endUs === null) return;
    this.#at(endUs, () => {
      this.#measureUtilisation();
      loop?.stop();
    });
  }

  /** Null: the worker has no publishers. */
  #loopOf(startUs: number, measureFromUs: number): Loop | null {
    const { plan, worker } = this.#data;
    const { publishers } = this.#clients;
    if (publishers.length === 0) return null;
    const onEnd = (): void => {
      this.#measureUtilisation();
      this.#tell({ kind: 'stopped' });
    };
    const setting = { publishers, board: this.#board, clock: this.#clock, onEnd };
    if (plan.rate !== null) {
      const schedule = new OpenSchedule(
        startUs,
        (plan.rate * publishers.length) / plan.publishers,
        worker / plan.workers,
      );
      return new OpenLoop(setting, schedule, this.#board.timesOf(worker).lateness, measureFromUs);
    }
    const deliveries = this.#board.receivers.reduce((sum, count) => sum + count, 0) / plan.topics;
    return new ClosedLoop(setting, plan.window, plan.qos === 0 ? Math.max(1, plan.window * deliveries) : null);
  }

  /** The share of the measured time in which the event loop was not waiting. An open loop hardly ever lets it wait. */
  #measureUtilisation(): void {
    if (this.#begun === null || this.#utilisation !== null || this.#loop instanceof OpenLoop) return;
    this.#utilisation = performance.eventLoopUtilization(this.#begun).utilization;
  }

  #at(timeUs: number, action: () => void): void {
    setTimeout(action, Math.max(0, (timeUs - this.#clock()) / 1_000));
  }

  #tell(answer: Answer): void {
    this.#port.postMessage(answer);
  }
}

if (parentPort !== null) {
  const worker = new BenchWorker(parentPort, workerData as WorkerData);
  parentPort.on('message', (order: Order) => void worker.obey(order));
  void worker.prepare();
}
