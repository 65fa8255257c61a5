import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { realEnvironment } from './real-environment.ts';

const { processes } = realEnvironment();

test('this process is alive, one of its number that began at another time is not', (t) => {
  const self = processes?.self();
  if (processes === undefined || self === undefined)
    return t.fail('the real machine has processes');
  t.true(processes.isAlive(self));
  if (self.startToken !== '') t.false(processes.isAlive({ ...self, startToken: 'another boot 1' }));
  t.true(processes.isAlive({ ...self, host: 'elsewhere', pid: 1 }), 'nobody can tell from here');
});

test('a dead process is not alive, though its parent has not looked after it', async (t) => {
  const host = processes?.self().host ?? '';
  // What the shell started before it became sleep is nobody's child to wait for.
  const child = spawn('sh', ['-c', 'true & echo $!; exec sleep 5'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(chunk.toString());
  t.true(pid > 0);
  const isAlive = (): boolean | undefined => processes?.isAlive({ pid, host, startToken: '' });
  for (let tries = 0; tries < 100 && isAlive() === true; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.false(isAlive());
});
