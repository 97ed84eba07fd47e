import { describe, expect, it } from 'vitest';
import { fill, fillTyped, parseTemplate, TemplateError } from './template.js';

const NAMES = ['id', 'n', 'position.lat'];
const lookUp = (name: string) => ({ id: 'a', n: 7, 'position.lat': 48.5 })[name] ?? null;

describe('a template', () => {
  it.each([
    ['', ''],
    ['{id}', 'a'],
    ['x/{id}/{n}{n}/y', 'x/a/77/y'],
    ['{{id}} {position.lat}}}', '{id} 48.5}'],
  ])('%s is filled', (text, filled) => {
    expect(fill(parseTemplate(text, NAMES), lookUp)).toBe(filled);
  });

  it('that is nothing but a place keeps the type of the value', () => {
    expect(fillTyped(parseTemplate('{n}', NAMES), lookUp)).toBe(7);
    expect(fillTyped(parseTemplate('{n} ', NAMES), lookUp)).toBe('7 ');
  });

  it.each(['{', '{id', '}', 'a}b', '{none}', '{}'])('%s is none', (text) => {
    expect(() => parseTemplate(text, NAMES)).toThrow(TemplateError);
  });
});
