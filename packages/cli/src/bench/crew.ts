import { Worker } from 'node:worker_threads';
import { BenchFailure } from './bench-failure.js';
import type { BenchValues, Plan } from './plan.js';
import type { Answer, Order, WorkerData } from './worker-messages.js';

type Kind = Exclude<Answer['kind'], 'failed'>;
type AnswerOf<K extends Kind> = Extract<Answer, { kind: K }>;

/** All workers: told what to do, and waited for. */
export class Crew {
  readonly #workers: readonly Worker[];
  readonly #answers = new Map<Kind, Answer[]>();
  readonly #failed: Promise<never>;
  #wake: (() => void)[] = [];

  constructor(values: BenchValues, plan: Plan, originMs: number, board: SharedArrayBuffer) {
    this.#workers = Array.from({ length: plan.workers }, (_, worker) => {
      const data: WorkerData = { values, plan, worker, originMs, board };
      return new Worker(new URL('./worker.js', import.meta.url), { workerData: data });
    });
    this.#failed = new Promise((_, reject) => {
      for (const worker of this.#workers) {
        worker.on('error', reject);
        worker.on('message', (answer: Answer) => {
          if (answer.kind === 'failed') reject(new BenchFailure(answer.text));
          else this.#take(answer.kind, answer);
        });
      }
    });
    this.#failed.catch(() => {}); // whoever waits for an answer is told
  }

  tell(order: Order): void {
    for (const worker of this.#workers) worker.postMessage(order);
  }

  /** The answers of all workers. @throws (rejects) BenchFailure when one of them cannot go on */
  async answers<K extends Kind>(kind: K): Promise<AnswerOf<K>[]> {
    for (;;) {
      const answers = this.#answers.get(kind) ?? [];
      if (answers.length === this.#workers.length) return answers as AnswerOf<K>[];
      await Promise.race([this.#failed, new Promise<void>((resolve) => this.#wake.push(resolve))]);
    }
  }

  async terminate(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #take(kind: Kind, answer: Answer): void {
    this.#answers.set(kind, [...(this.#answers.get(kind) ?? []), answer]);
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
