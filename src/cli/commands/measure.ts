/** `tenure measure`: what a client misses when an address moves; anyone's address. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { quote } from '../../config/problem.ts';
import { MeasureError } from '../../measure/measure-error.ts';
import { Measurement } from '../../measure/measurement.ts';
import { Recorder } from '../../measure/report/recorder.ts';
import { htmlReport } from '../../measure/report/html.ts';
import { formatAddress, parseAddress } from '../../wire/address.ts';
import type { CliContext } from '../context.ts';
import { CliError, exitCodes, failed, usage } from '../context.ts';
import { probesOf, ratesText, timesOf, type MeasureFlags } from '../measure/probe-flags.ts';
import { EventRenderer } from '../measure/render.ts';

export function measureCommand(context: CliContext): Command {
  return new Command('measure')
    .summary('Measure the failover of any address, from a client of it.')
    .description('Measure the failover of any address, whoever keeps it: asks it again and again, and says when it moved, what a client missed, and whether two claimed it. Run it on another host of the LAN, as root if claims are to be watched.')
    .argument('<address>', 'IPv4 or IPv6 address')
    .option('-p, --probe <kind>', 'how to ask: icmp (unless told otherwise), udp:PORT (an echo service), tcp:PORT, http:PORT, arp, ndp; may be given several times', collect, [])
    .option('--port <port>', 'port of udp, tcp and http probes that name none')
    .option('--rate <number>', `questions a second of each probe (${ratesText()})`)
    .option('--duration <duration>', 'end by itself after so long, such as 30s')
    .option('--interface <name>', 'where the LAN of the address is (by the routing table)')
    .option('--gap <duration>', 'tell of silences longer than this (five questions, 20ms at least)')
    .option('--json', 'one JSON object a line: every event, and a summary')
    .option('--report <file>', 'write a report with a time line, as an HTML file')
    .addHelpText('after', `
Ctrl-C ends it with a summary. A gap is the time from the last answer before it to the first after
it, by the kernel's receive times. docs/measure.md tells how to read the figures.

Exit codes: 0 measured; 1 nobody answered; 2 a wrong command line.

Examples:
  sudo tenure measure 192.0.2.10
  sudo tenure measure 192.0.2.10 --probe tcp:443 --probe arp --report move.html
  tenure measure 2001:db8::10 --probe http --port 8080 --duration 1m --json`)
    .action(async (address: string, flags: MeasureFlags) => {
      await measure(context, address, flags);
    });
}

function collect(word: string, before: readonly string[]): string[] {
  return [...before, word];
}

async function measure(context: CliContext, text: string, flags: MeasureFlags): Promise<void> {
  const address = parseAddress(text);
  if ('error' in address) throw usage(`address: ${address.error}`);
  const probes = probesOf(flags, address);
  const { durationMs, gapMs } = timesOf(flags);
  if (flags.report !== undefined) mustBeWritable(flags.report);
  const recorder = flags.report === undefined ? null : new Recorder();
  const renderer = new EventRenderer(context.stdout.colours);
  const measurement = open(() => new Measurement({
    address, text: formatAddress(address), probes, interface: flags.interface ?? null, gapMs,
  }, {
    onEvent: (event) => {
      recorder?.event(event, measurement.probes);
      const line = flags.json === true ? JSON.stringify(event) : renderer.render(event);
      if (line !== null) context.stdout.write(`${line}\n`);
    },
    onClaim: (claim) => { recorder?.claim(claim); },
  }));
  const summary = await measurement.run(untilInterrupt(durationMs));
  if (flags.report !== undefined && recorder !== null) {
    writeReport(flags.report, htmlReport(recorder.recording()));
    context.stderr.write(`tenure: note: the report is in ${flags.report}\n`);
  }
  const isAnswered = summary.probes.some(({ answered }) => answered > 0);
  if (!isAnswered) throw new CliError(exitCodes.failed, `${summary.address}: nobody answered ${probes.map(({ kind }) => kind).join(', ')}: is the address up, and does it serve that? "--probe arp" asks whether anyone has it`);
}

/** What cannot be measured is the command line's fault. */
function open(make: () => Measurement): Measurement {
  try {
    return make();
  } catch (error) {
    if (error instanceof MeasureError) throw usage(error.message);
    throw error;
  }
}

function untilInterrupt(durationMs: number | null): AbortSignal {
  const controller = new AbortController();
  const end = (): void => { controller.abort(); };
  // Once: whoever does not want to wait for the summary presses it again.
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  if (durationMs !== null) setTimeout(end, durationMs).unref();
  return controller.signal;
}

function mustBeWritable(file: string): void {
  try {
    closeSync(openSync(file, 'a'));
  } catch (error) {
    throw usage(`--report: ${quote(file)}: ${reason(error)}`);
  }
}

function writeReport(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw failed(`--report: ${quote(file)}: ${reason(error)}`);
  }
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  switch (code) {
    case 'ENOENT': return 'its directory does not exist: make it, or name another';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': return 'may not be written: name a file in a directory that is yours';
    case 'EISDIR': return 'is a directory: name a file';
    case 'ENOSPC': return 'the disk is full: make room, or name another place';
    default: return `cannot be written (${String(code)}): name another file`;
  }
}
