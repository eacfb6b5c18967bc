// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer and runs its tests so, then
// runs test/native/exercise.mjs under valgrind. Needs root, g++ with libasan, and valgrind.
//
//   node test/native/sanitize.mjs [asan] [valgrind]        default: both
//
// Node itself, and the programs that tests start, leak and do odd things by their own design: of
// all reports those count that have the addon in their stack. Everything happens in a copy of the
// tree, so that the addon in use stays as it is.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'tenure-sanitize-'));
const logs = join(copy, 'logs');
const wanted = process.argv.slice(2);
const tests = ['addon', 'packets', 'interfaces', 'binder', 'load'].map((name) => `test/netns/net-${name}.netns.test.ts`);
let failures = 0;

function say(line) {
  console.log(line);
}

function prepare(flags) {
  for (const path of ['src', 'test', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, path), join(copy, path), { recursive: true, force: true });
  }
  rmSync(join(copy, 'src/net/native/build'), { recursive: true, force: true });
  rmSync(join(copy, 'node_modules'), { force: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs);
  const built = spawnSync(process.execPath, [join(copy, 'src/net/native/install.mjs')], {
    stdio: 'inherit', env: { ...process.env, TENURE_NET_CXXFLAGS: flags },
  });
  if (built.status !== 0) throw new Error('the addon could not be built');
}

/** The reports of a run that concern the addon, whole. */
function reports(separator, concerns) {
  return readdirSync(logs)
    .flatMap((name) => readFileSync(join(logs, name), 'utf8').split(separator))
    .filter((report) => concerns.test(report));
}

/** Pages of V8's heap, which it fetched while the addon had called it, and keeps to the end. */
function isOfHeap(report) {
  const [, , allocatedBy = ''] = report.split('\n');
  return /^(Direct|Indirect) leak/.test(report) && /v8::internal::/.test(allocatedBy);
}

function judge(name, status, found) {
  for (const report of found.slice(0, 10)) say(report);
  const ok = status === 0 && found.length === 0;
  if (!ok) failures += 1;
  say(`${ok ? 'ok' : 'FAILED'} - ${name}: exit code ${status}, ${found.length} report(s) on the addon`);
}

function libraryPath(name) {
  return spawnSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
}

function withSanitizers() {
  prepare('-fsanitize=address,undefined -fno-omit-frame-pointer -O1 -g');
  const env = {
    ...process.env,
    // libstdc++ too, or the sanitizer does not find what throws exceptions.
    LD_PRELOAD: `${libraryPath('libasan.so')}:${libraryPath('libubsan.so')}:${libraryPath('libstdc++.so.6')}`,
    // Leaks are looked for at the end of every process; exit codes are left to the tests.
    ASAN_OPTIONS: `detect_leaks=1:exitcode=0:halt_on_error=0:log_path=${join(logs, 'asan')}`,
    LSAN_OPTIONS: 'exitcode=0:report_objects=0:max_leaks=0',
    // Its reports go to standard error, whatever log is named.
    UBSAN_OPTIONS: 'print_stacktrace=1',
  };
  const concerns = /tenure_net|src\/net\/native|tenure::/;
  const separator = /\n\n(?=Direct|Indirect|SUMMARY|=====)|\n(?===\d+==ERROR)/;
  const steps = [
    ['exercise under ASan and UBSan', ['--expose-gc', 'test/native/exercise.mjs']],
    ...tests.map((file) => [`${file} under ASan and UBSan`, ['--import', 'tsx', '--test-reporter=spec', file]]),
  ];
  for (const [name, args] of steps) {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, env, encoding: 'utf8', timeout: 900_000 });
    if (status !== 0) say(`${stdout.slice(-3000)}\n${stderr.slice(-3000)}`);
    const undefinedBehaviour = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('runtime error: '));
    judge(name, status, [
      ...undefinedBehaviour, ...reports(separator, concerns).filter((report) => !isOfHeap(report)),
    ]);
    rmSync(logs, { recursive: true, force: true });
    mkdirSync(logs);
  }
}

function underValgrind() {
  prepare('-O1 -g -fno-omit-frame-pointer');
  // Node's generated code is not to be followed into, and none of what Node leaves at its end.
  writeFileSync(join(copy, 'supp'), '{\n  values-that-v8-keeps-in-tagged-words\n  Memcheck:Cond\n  obj:*/node\n}\n');
  const { status, stdout, stderr } = spawnSync('valgrind', [
    '--trace-children=yes', '--trace-children-skip=*/ip', '--smc-check=all-non-file', '--leak-check=full',
    '--show-leak-kinds=definite,indirect', '--errors-for-leak-kinds=none', '--num-callers=30',
    '--track-fds=no', `--suppressions=${join(copy, 'supp')}`, `--log-file=${join(logs, 'valgrind.%p')}`,
    process.execPath, '--expose-gc', 'test/native/exercise.mjs',
  ], { cwd: copy, encoding: 'utf8', timeout: 1_800_000 });
  say(stdout.slice(-500).trim());
  if (status !== 0) say(stderr.slice(-3000));
  judge('exercise under valgrind', status, reports(/\n==\d+== \n/, /tenure_net|tenure::|Napi::/));
}

try {
  if (wanted.length === 0 || wanted.includes('asan')) withSanitizers();
  if (wanted.length === 0 || wanted.includes('valgrind')) underValgrind();
} finally {
  rmSync(copy, { recursive: true, force: true });
}
say(failures === 0 ? 'sanitizers: all ok' : `sanitizers: ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
