import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonSyntaxError, type Node, parseCommentedJson } from './commented-json.js';

function valueOfNode(node: Node): unknown {
  if (node.kind === 'array') return node.items.map(valueOfNode);
  if (node.kind !== 'object') return node.value;
  return Object.fromEntries(Array.from(node.members, ([name, member]) => [name, valueOfNode(member.node)]));
}

describe('JSON with comments', () => {
  it('is read as JSON is, whatever it says', () => {
    const value = fc.jsonValue().filter((one) => !JSON.stringify(one).includes('__proto__'));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (json, indent) => {
        const text = JSON.stringify(json, null, indent);
        expect(valueOfNode(parseCommentedJson(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  it('may have comments anywhere, and a comma behind the last member', () => {
    const text = `// before
    { /* one */ "a" : /* two
      lines */ [1, 2, // three
      ], "b": "no // comment", } // after`;
    expect(valueOfNode(parseCommentedJson(text))).toEqual({ a: [1, 2], b: 'no // comment' });
  });

  it('knows the line of everything', () => {
    const root = parseCommentedJson('{\n"a": 1,\n// more\n"b": [\n2,\n3]}');
    if (root.kind !== 'object') throw new Error('It is an object');
    const b = root.members.get('b');
    expect([root.line, root.members.get('a')?.line, b?.line]).toEqual([1, 2, 4]);
    expect(b?.node.kind === 'array' ? b.node.items.map(({ line }) => line) : []).toEqual([5, 6]);
  });

  it.each([
    ['', 1, 'a value was expected, not the end'],
    ['{\n"a": 1\n"b": 2}', 3, '"," or "}" was expected, not ""b": 2}"'],
    ['{"a": \n yes}', 2, 'a text has quotes around it: "yes"'],
    ['{"a" 1}', 1, '":" was expected behind "a", not "1}"'],
    ['{a: 1}', 1, 'a name in quotes was expected, not "a: 1}"'],
    ['[1, 2', 1, '"," or "]" was expected, not the end'],
    ['[1,\n2,\n', 3, 'the "]" is missing for line 1'],
    ['{"a": 1, "a": 2}', 1, '"a" stands there twice'],
    ['{} {}', 1, '"{}" stands behind the end'],
    ['["abc]', 1, 'a text has no end: the quotes are missing'],
    ['["a\\x"]', 1, 'has a backslash'],
    ['[01]', 1, 'that is no number'],
    ['[1.]', 1, 'that is no number'],
    ['/* ', 1, 'a value was expected'],
    ['['.repeat(200), 1, 'it is nested too deeply'],
  ])('%j is refused with its line', (text, line, message) => {
    let error: unknown;
    try {
      parseCommentedJson(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(JsonSyntaxError);
    expect((error as JsonSyntaxError).line).toBe(line);
    expect((error as JsonSyntaxError).message).toContain(message);
  });
});
