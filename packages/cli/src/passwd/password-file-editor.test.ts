import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PasswordFileEditor, PasswordFileFailure } from './password-file-editor.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cauldron-passwords-'));
  path = join(folder, 'passwords');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  vi.unstubAllEnvs();
});

const text = () => readFileSync(path, 'latin1');
const mode = () => statSync(path).mode & 0o7777;

/** The file after a change. */
function changed(before: string | Buffer, change: (file: PasswordFileEditor) => void): string {
  writeFileSync(path, before);
  const file = PasswordFileEditor.open(path);
  change(file);
  file.save();
  return text();
}

describe('a password file that is changed', () => {
  it('keeps every other line as it is: comments, empty ones, what is wrong, bytes that are not UTF-8', () => {
    const before = Buffer.from('# us\n\nb\xe4h:x \r\nanna:old\n anna2:y\nnonsense\n', 'latin1');
    expect(changed(before, (file) => expect(file.set('anna', '$6$new')).toBe(true))).toBe(
      before.toString('latin1').replace('anna:old', 'anna:$6$new'),
    );
  });

  it('gets a new user at the end, on a line of its own', () => {
    expect(changed('anna:x', (file) => expect(file.set('zo\u00eb', 'y')).toBe(false))).toBe(
      'anna:x\nzo\u00c3\u00ab:y\n',
    );
    expect(changed('', (file) => file.set('anna', 'y'))).toBe('anna:y\n');
  });

  it('finds a user with blanks around the name, but none in a comment', () => {
    const change = (file: PasswordFileEditor) => file.set('a', 'new');
    expect(changed('#a:x\n a : y\n', change)).toBe('#a:x\na:new\n');
  });

  it('loses a user who is deleted, with all lines of that name', () => {
    const change = (file: PasswordFileEditor) => expect(file.delete('a')).toBe(true);
    expect(changed('a:x\nab:y\n#a:z\na:again\n', change)).toBe('ab:y\n#a:z\n');
    expect(PasswordFileEditor.open(path).delete('eve')).toBe(false);
  });

  it('has passwords hashed line by line, and says which line is none of a user', async () => {
    writeFileSync(path, '# us\na:one\nb: $6$x \n\nc:d:e f \n');
    const file = PasswordFileEditor.open(path);
    const hash = (password: Buffer) => (password.toString().startsWith('$') ? null : Promise.resolve(`<${password}>`));
    expect(await file.mapHashes(hash)).toBe(2);
    file.save();
    expect(text()).toBe('# us\na:<one>\nb: $6$x \n\nc:<d:e f>\n');
    for (const line of ['nobody', ':x', 'a:']) {
      writeFileSync(path, `# us\n${line}\n`);
      const failure = `${path}:2: a line is a name, a colon and a password.`;
      await expect(PasswordFileEditor.open(path).mapHashes(hash)).rejects.toThrow(failure);
    }
  });

  it('keeps its mode, and its owner', () => {
    writeFileSync(path, 'a:x\n');
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(path, 12_345, 12_346);
    chmodSync(path, 0o640);
    const { uid, gid } = statSync(path);
    const file = PasswordFileEditor.open(path);
    file.set('a', 'y');
    file.save();
    expect([mode(), statSync(path).uid, statSync(path).gid]).toEqual([0o640, uid, gid]);
    if (isRoot) expect(uid).toBe(12_345);
  });

  it('is another file afterwards, which is whole from its first moment, and nothing else is left', () => {
    writeFileSync(path, 'a:x\n');
    const { ino } = statSync(path);
    const file = PasswordFileEditor.open(path);
    file.set('b', 'y');
    expect(text()).toBe('a:x\n');
    file.save();
    expect(statSync(path).ino).not.toBe(ino);
    expect(readdirSync(folder)).toEqual(['passwords']);
  });

  it('is for its owner alone when it is new, and empty when it takes the place of another', () => {
    const file = PasswordFileEditor.create(path);
    file.set('a', 'x');
    file.save();
    expect([text(), mode()]).toEqual(['a:x\n', 0o600]);
    chmodSync(path, 0o440);
    const again = PasswordFileEditor.create(path);
    again.set('b', 'y');
    again.save();
    expect([text(), mode()]).toEqual(['b:y\n', 0o440]);
  });

  it('is not overwritten if somebody else has changed it meanwhile', () => {
    writeFileSync(path, 'a:x\n');
    const file = PasswordFileEditor.open(path);
    file.set('b', 'y');
    writeFileSync(path, 'a:x\nc:z\n');
    expect(() => file.save()).toThrow('was changed by somebody else meanwhile. Try again.');
    expect(text()).toBe('a:x\nc:z\n');
    expect(readdirSync(folder)).toEqual(['passwords']);
    const created = PasswordFileEditor.create(join(folder, 'new'));
    writeFileSync(join(folder, 'new'), '');
    expect(() => created.save()).toThrow('was changed by somebody else meanwhile');
  });

  it('is no symbolic link, unless the environment allows that: then what it leads to is changed', () => {
    const link = join(folder, 'link');
    writeFileSync(path, 'a:x\n');
    symlinkSync('passwords', link);
    const refusal = `${link} is a symbolic link. Name the file itself, or set MOSQUITTO_UNSAFE_ALLOW_SYMLINKS=1`;
    expect(() => PasswordFileEditor.open(link)).toThrow(refusal);
    expect(() => PasswordFileEditor.create(link)).toThrow(refusal);
    vi.stubEnv('MOSQUITTO_UNSAFE_ALLOW_SYMLINKS', '1');
    const file = PasswordFileEditor.open(link);
    file.set('b', 'y');
    file.save();
    expect(text()).toBe('a:x\nb:y\n');
  });

  it('has to be there, and a file', () => {
    expect(() => PasswordFileEditor.open(path)).toThrow(PasswordFileFailure);
    expect(() => PasswordFileEditor.open(path)).toThrow(/^Unable to open password file .*ENOENT/);
    expect(() => PasswordFileEditor.create(join(folder, 'no', 'where')).save()).toThrow(/^Unable to write .*ENOENT/);
    mkdirSync(path);
    expect(() => PasswordFileEditor.open(path)).toThrow('is not a file.');
    expect(() => PasswordFileEditor.create(path)).toThrow('is not a file.');
  });
});
