import { describe, expect, it } from 'vitest';
import { topicMap } from './topic-map.js';

describe('topicMap', () => {
  it.each([
    ['home=test/home', 'home/kitchen/light', 'test/home/kitchen/light'],
    ['home=test/home', 'home', 'test/home'],
    ['home=test/home', 'homes/kitchen', 'homes/kitchen'],
    ['home/#=attic/#/copy', 'home/a/b', null],
    ['home/#=copy/#', 'home', 'copy'],
    ['home/#=all', 'home/a/b', 'all'],
    ['#=test/#', 'a/b', 'test/a/b'],
    ['#=test/#', '$SYS/x', '$SYS/x'],
    ['+/status=state/+', 'lamp/status', 'state/lamp'],
    ['+/+/#=+/x/+/#', 'a/b/c/d', 'a/x/b/c/d'],
    ['owntracks/+/phone=test/+', 'owntracks/anna/phone/event', 'test/anna/event'],
    ['owntracks/+/phone=test/eve', 'owntracks/anna/phone', 'test/eve'],
    ['a//b=c', 'a//b/d', 'c/d'],
    ['#=#', '', ''],
  ])('%s makes of %s: %s', (map, topic, mapped) => {
    if (map.includes('#/')) expect(() => topicMap([map])).toThrow('# that is not alone in the last level');
    else expect(topicMap([map])(topic)).toBe(mapped === '' ? null : mapped);
  });

  it('the first that fits decides, and nothing is mapped twice', () => {
    const map = topicMap(['a/b=x', 'a=b', 'b=c']);
    expect(['a/b/1', 'a/c', 'b/1', 'd'].map(map)).toEqual(['x/1', 'b/c', 'c/1', 'd']);
  });

  it.each([
    ['home', 'FROM=TO'],
    ['=x', 'FROM=TO'],
    ['x=', 'FROM=TO'],
    ['a=+/b', 'TO has more + than FROM'],
    ['a=b/#', 'TO has a #, and FROM has none'],
    ['a+=b', '+ that is not alone in its level'],
  ])('%s is refused: %s', (map, message) => {
    expect(() => topicMap([map])).toThrow(message);
  });
});
