import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerProcess } from '../support/broker-process.js';
import { areInstalled, programPath } from '../support/programs.js';
import { killAll, RunningProgram } from '../support/running-program.js';
import { compatPath } from './tool-comparison.js';

/** As people have them: $B is where the broker is, $T a topic of the run's own, $D a folder of its own. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'a value is kept, read back into a variable, and cleared': `
    mosquitto_pub $B -t $T/level -r -q 1 -m 42
    level=$(mosquitto_sub $B -t $T/level -C 1 -W 20)
    echo "level=$level status=$?"
    mosquitto_pub $B -t $T/level -r -q 1 -n
    mosquitto_sub $B -t $T/level -C 1 -W 1; echo "status=$?"`,
  'each retained message becomes a line of a loop': `
    for room in attic kitchen hall; do mosquitto_pub $B -r -q 1 -t $T/$room -m "$room is fine"; done
    mosquitto_sub $B -v -t "$T/#" -C 3 -W 20 | sort | while read -r topic text; do echo "[\${topic##*/}] $text"; done`,
  'lines of a pipe are published one by one': `
    mosquitto_sub $B -i sub-$T -q 1 -c -t $T -E; echo "subscribed $?"
    printf 'one\\ntwo words\\n\\nlast' | mosquitto_pub $B -q 1 -t $T -l; echo "published $?"
    mosquitto_sub $B -i sub-$T -q 1 -c -t $T -C 3 -v -W 20; echo "read $?"`,
  'a file goes there and back byte by byte': `
    head -c 100000 /dev/zero | tr '\\0' 'x' > $D/in
    mosquitto_pub $B -r -q 1 -t $T -f $D/in && mosquitto_sub $B -t $T -C 1 -N -W 20 > $D/out
    cmp $D/in $D/out && echo same; wc -c < $D/out`,
  'what cannot be reached is told by the exit status': `
    if mosquitto_pub -h 127.0.0.1 -p 1 -t $T -m x 2>/dev/null; then echo up; else echo "down $?"; fi
    mosquitto_sub $B -t $T -W 1 2>/dev/null || echo "timeout $?"
    mosquitto_rr $B -t $T -e $T/answer -m x -W 1 2>/dev/null || echo "no answer $?"
    mosquitto_pub $B -t "$T/#" -m x 2>/dev/null || echo "bad topic $?"`,
  'a request is answered by a script': `
    SERVER="-i server-$T -c -q 1 -V 5 -x 60 -t $T/ask"
    mosquitto_sub $B $SERVER -E
    mosquitto_rr $B -q 1 -t $T/ask -e $T/answer -m hello -W 20 > $D/answer &
    mosquitto_sub $B $SERVER -C 1 -W 20 -F '%R %p' | while read -r where what; do
      mosquitto_pub $B -t "$where" -m "you said $what"; done
    wait; cat $D/answer`,
  'fields are cut out of formatted lines': `
    mosquitto_pub $B -r -q 1 -V 5 -t $T/a -m '{"t":21.5}' -D publish content-type application/json
    mosquitto_sub $B -V 5 -t "$T/+" -C 1 -W 20 -F '%t;%C;%l;%q;%r;%p' | cut -d';' -f2-6`,
  'the first lines are enough for head': `
    for i in 1 2 3 4 5; do mosquitto_pub $B -r -q 1 -t $T/$i -m "line $i"; done
    mosquitto_sub $B -t "$T/#" -W 2 2>/dev/null | head -n 2 | wc -l`,
  'a password file is made and changed': `
    mosquitto_passwd -c -b $D/users anna secret >/dev/null; echo "made $?"
    mosquitto_passwd -b $D/users bob other >/dev/null; echo "added $?"
    mosquitto_passwd -D $D/users anna; echo "deleted $?"
    cut -d: -f1 $D/users; mosquitto_passwd -D $D/users nobody 2>/dev/null; echo "nobody $?"`,
  'options come from a variable and from the environment of set -eu': `
    set -eu
    OPTIONS="-q 1 -r -V mqttv5"
    mosquitto_pub $B $OPTIONS -t "$T/x" -m "$(date -u -d @0 +%Y)"
    mosquitto_sub $B -t "$T/x" -C 1 -W 20 --retained-only
    mosquitto_sub $B -t "$T/x" --retained-only -R -W 1 2>/dev/null || echo "end $?"`,
};

describe
  .skipIf(!areInstalled('mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr', 'mosquitto_passwd'))
  .concurrent("a shell script for Mosquitto's tools does the same with bin/compat first on PATH, where", () => {
    let folder: string;
    let broker: BrokerProcess;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'cauldron-scripts-'));
      // The Node that runs the tests is the one that env finds.
      symlinkSync(process.execPath, join(folder, 'node'));
      broker = await BrokerProcess.start();
    });

    afterAll(async () => {
      await broker.stop();
      await killAll();
      rmSync(folder, { recursive: true });
    });

    const run = async (script: string, who: string, tools: string, index: number) => {
      const own = join(folder, `${who}-${index}`);
      mkdirSync(own);
      const { exitCode, stdout, stderr } = await new RunningProgram('/bin/sh', ['-c', script], '', {
        ...process.env,
        PATH: [tools, folder, '/usr/bin', '/bin'].join(delimiter),
        B: broker.flags.join(' '),
        T: `${who}${index}`,
        D: own,
        HOME: own,
      }).ended;
      const normalised = (text: string) => text.replaceAll(`${who}${index}`, '$T');
      return { exitCode, stdout: normalised(stdout.toString()), stderr: normalised(stderr) };
    };

    it.each(Object.entries(SCRIPTS).map(([what, script], i) => ({ what, script, i })))(
      '$what',
      async ({ script, i }) => {
        const [theirs, ours] = await Promise.all([
          run(script, 'theirs', dirname(programPath('mosquitto_pub')), i),
          run(script, 'ours--', compatPath(''), i),
        ]);
        expect(ours).toEqual(theirs);
        expect(ours.stdout).not.toBe('');
      },
    );
  });
