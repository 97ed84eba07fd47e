import { expect, it } from 'vitest';
import { OpenSchedule } from './open-schedule.js';

function times(schedule: OpenSchedule, count: number): number[] {
  return Array.from({ length: count }, () => {
    const { nextUs } = schedule;
    schedule.advance();
    return nextUs;
  });
}

it('messages of an open loop are due evenly, from the start on', () => {
  expect(times(new OpenSchedule(1_000, 10_000, 0), 4)).toEqual([1_000, 1_100, 1_200, 1_300]);
});

it('the messages of several workers are due by turns', () => {
  const workers = [0, 0.5].flatMap((share) => times(new OpenSchedule(0, 1_000, share), 3));
  expect(workers.sort((a, b) => a - b)).toEqual([0, 500, 1_000, 1_500, 2_000, 2_500]);
});

it('a rate that is no divisor of a second does not drift', () => {
  const schedule = new OpenSchedule(0, 3, 0);
  times(schedule, 3_000_000);
  expect(schedule.nextUs).toBeCloseTo(1e12, 0);
});
