import tseslint from 'typescript-eslint';

/** Which layers each layer may import; docs/architecture.md has the picture. */
const layers = {
  core: [],
  wire: [],
  net: ['core', 'wire'],
  store: ['core', 'wire'],
  announce: ['core', 'wire'],
  liveness: ['core', 'wire'],
  keepalived: ['core', 'wire'],
  kubernetes: ['core', 'wire'],
  config: ['core', 'wire'],
  observe: ['core', 'wire'],
  // Watches any LAN from any host: it has the wire and the kernel's sockets, and no store.
  measure: ['core', 'wire', 'net'],
};

/**
 * One rule per layer and depth of folders: what leaves src/LAYER must lead to a layer that it may
 * import; what stays inside it is free.
 */
const layerRules = Object.entries(layers).flatMap(([layer, allowed]) =>
  [0, 1, 2, 3].map((depth) => ({
    files: [`src/${layer}/${'*/'.repeat(depth)}*.ts`],
    rules: {
      'no-restricted-imports': ['error', {
        patterns: [
          {
            regex: `^(\\.\\./){${depth + 1},}(?!${[layer, ...allowed].map((name) => `${name}/`).join('|')})[a-z]+/`,
            message: `src/${layer} may import only ${[layer, ...allowed].join(', ')}.`,
          },
          ...(layer === 'core' ? [{ regex: '^node:|^[a-z@]', message: 'src/core is pure: no I/O, no packages.' }] : []),
        ],
      }],
    },
  })));

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', 'src/net/native/build/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'max-len': ['error', { code: 100, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true }],
      'no-console': 'error',
      eqeqeq: 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
    },
  },
  {
    // node:test's describe and it return promises that the runner itself awaits.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', {
        allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'], package: 'node:test' }],
      }],
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-console': 'off',
    },
  },
  ...layerRules,
);
