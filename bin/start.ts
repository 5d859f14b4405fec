/** `npm start`: the local stack, until Ctrl-C. */
import { pino } from 'pino';
import { readConfig } from '../config.js';
import { flagsOf } from './flags.js';
import { refuse } from './refusals.js';
import { startStack } from './stack.js';
import { untilSignal } from './until-signal.js';

flagsOf(`Usage: npm start
It takes no arguments. Settings come from the environment: README.md, "Settings".`);

try {
  const config = readConfig(process.env);
  const log = pino({ level: config.logLevel, base: { process: 'stack' } }, pino.destination({ dest: 2, sync: true }));
  const stack = await startStack({ config, env: process.env, log, report: (line) => log.warn(line) });
  const { api, temporalUi, mail } = stack.links;
  const signal = untilSignal(() => {
    stack.kill();
    process.exit(1);
  });

  const isReady = stack.ready().then((ready) => {
    if (!ready) return signal;
    const mails = mail === undefined ? '' : `  Mails        ${mail}\n`;
    process.stdout.write(`ready\n  API          ${api}\n  Temporal UI  ${temporalUi}\n${mails}`);
    return signal;
  });
  try {
    log.info(`${await Promise.race([signal, isReady])}: stopping`);
  } finally {
    await stack.stop();
  }
} catch (error) {
  refuse(error);
}
