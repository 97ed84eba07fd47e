import { expect, it } from 'vitest';
import { LoadAverages } from './load-averages.js';

const texts = (loads: LoadAverages): Record<string, string> => Object.fromEntries(loads.texts());

it('load averages are 0.00 at first: what was counted before is no load', () => {
  expect(texts(new LoadAverages(1000))).toEqual({ '1min': '0.00', '5min': '0.00', '15min': '0.00' });
});

it('load averages move towards what there is in a minute, the faster the shorter they are', () => {
  const loads = new LoadAverages(0);
  // 100 in 10 s are 600 in a minute.
  loads.update(100, 10);
  expect(texts(loads)).toEqual({
    '1min': (600 * (1 - Math.exp(-10 / 60))).toFixed(2),
    '5min': (600 * (1 - Math.exp(-10 / 300))).toFixed(2),
    '15min': (600 * (1 - Math.exp(-10 / 900))).toFixed(2),
  });
  expect(texts(loads)['1min']).toBe('92.11');
  loads.update(100, 60);
  expect(texts(loads)['1min']).toBe((600 * (1 - Math.exp(-10 / 60)) * Math.exp(-1)).toFixed(2));
  for (let seconds = 0; seconds < 7200; seconds += 10) loads.update(200 + seconds * 2, 10);
  expect(Number(texts(loads)['15min'])).toBeCloseTo(120, 0);
});

it('load averages count in the time that has passed, whatever it was to be', () => {
  const often = new LoadAverages(0);
  const once = new LoadAverages(0);
  for (let second = 1; second <= 30; second++) often.update(second * 7, 1);
  once.update(30 * 7, 30);
  expect(texts(often)).toEqual(texts(once));
});

it('load averages wait for time to pass: what is counted at once counts later', () => {
  const loads = new LoadAverages(0);
  loads.update(10, 0);
  expect(texts(loads)['1min']).toBe('0.00');
  loads.update(10, 60);
  expect(texts(loads)['1min']).toBe((10 * (1 - Math.exp(-1))).toFixed(2));
});
