import { describe, expect, it } from 'vitest';
import { MountPoint, mountPointFault } from './mount-point.js';

const house = new MountPoint('house/');

describe('MountPoint', () => {
  it('is a plain prefix of topics, with and without a slash', () => {
    expect(house.topic('lamp')).toBe('house/lamp');
    expect(new MountPoint('a').topic('b')).toBe('ab');
  });

  it('refuses topics that are too long with it', () => {
    const longest = 'x'.repeat(65_535 - 6);
    expect(house.topic(longest)).toBe(`house/${longest}`);
    expect(() => house.topic(`${longest}x`)).toThrow('more than 65535 bytes');
  });

  it('goes into the filter of a shared subscription, behind its group', () => {
    expect(house.filter('+/state')).toBe('house/+/state');
    expect(house.filter('$share/group/lamp/#')).toBe('$share/group/house/lamp/#');
    expect(house.filter('$shared/x')).toBe('house/$shared/x');
  });

  it.each(['#', '+', '+/x', '$share/group/#'])("makes no filter of '%s' if it ends within a level", (filter) => {
    expect(new MountPoint('house').filter(filter)).toBeNull();
    expect(new MountPoint('house').filterFault).toContain("'house', which does not end with a slash");
  });

  it('makes no filter of one that is too long with it', () => {
    expect(house.filter('x'.repeat(65_530))).toBeNull();
    expect(house.filterFault).not.toContain('slash');
  });

  it('shows what is below it, and nothing else', () => {
    expect(house.seen('house/lamp')).toBe('lamp');
    expect(house.seen('house//')).toBe('/');
    expect(new MountPoint('a').seen('ab')).toBe('b');
    for (const outside of ['house', 'house/', 'houses/lamp', 'x/house/lamp', 'lamp', '$SYS/broker/version']) {
      expect(house.seen(outside)).toBeNull();
    }
  });

  it('gives back each topic that it was put in front of', () => {
    for (const topic of ['lamp', '/', '/lamp', 'house/lamp', '$SYS/x', '$share/g/x', 'ü']) {
      expect(house.seen(house.topic(topic))).toBe(topic);
    }
  });
});

describe('mountPointFault', () => {
  it('lets the beginning of a topic be one', () => {
    for (const text of ['house/', 'house', '/', '$devices/', 'a b']) expect(mountPointFault(text)).toBeNull();
  });

  it.each(['', 'a/+/', '#', 'a\0'])('does not take %j, with which topics would be none', (text) => {
    expect(mountPointFault(text)).toContain('beginning of a topic');
  });

  it.each(['$', '$s', '$share', '$share/', '$share/group/'])(
    "does not take '%s', which could make shared subscriptions",
    (text) => {
      expect(mountPointFault(text)).toContain('$share/');
    },
  );
});
