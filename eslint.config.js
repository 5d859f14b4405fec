/** What the house lints: promises nobody waits for, types that lie, and who may import whom. */
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Who may import whom (docs: CONTRIBUTING.md, "The arrows"). A folder not named in a list may not be imported, neither
 * for values nor, unless it says "(types)", for types. `instead` ends the message: it tells what to do.
 */
const arrows = {
  jobs: { may: [], packages: ['zod'], instead: 'a contract is pure data, which the workflow sandbox reads too' },
  workflows: {
    may: [
      'jobs',
      ...['failure', 'memo', 'progress', 'search-attributes', 'steering'].map((name) => `temporal/${name}`), // pure
    ],
    packages: ['@temporalio/workflow', '@temporalio/common'],
    instead:
      "a step's types stand in its contract, and its effects in activities/, which it calls by stepsOf(contract)",
  },
  activities: { may: ['jobs', 'storage', 'templates'], instead: 'settings and tools are handed to its factory' },
  workers: {
    may: ['workflows', 'activities', 'jobs', 'temporal', 'storage', 'config'],
    instead: 'it runs workflows and activities, and is started by main.ts',
  },
  api: { may: ['jobs', 'temporal', 'storage', 'config'], instead: 'it reaches runs through the Temporal client only' },
  temporal: { may: [], instead: 'the caller hands in what it needs' },
  storage: { may: [], instead: 'the caller hands in what it needs' },
  templates: { may: ['jobs (types)'], instead: 'what a mail shows is handed in as data' },
  client: { may: ['jobs (types)'], instead: 'it is copied into other services: all else comes over REST' },
  web: { may: ['client'], instead: 'all else comes over REST' },
  bin: {
    may: ['config', 'client', 'schedules'],
    instead: 'it starts the others as processes and talks to them over REST',
  },
  bench: { may: ['client', 'bin', 'config', 'templates'], instead: 'it measures what a user sees' },
  config: { may: ['jobs'], instead: 'it only reads the environment' },
  schedules: { may: ['client (types)', 'jobs (types)'], instead: 'it only declares; bin/schedules.ts applies' },
};

/** Files, not folders. Of schedules.ts only what it imports is held: folders have files of that name too. */
const topLevel = ['config', 'schedules'];

const eagerSchema = {
  selector: 'CallExpression[callee.object.name="z"]:not(:function CallExpression)',
  message:
    'jobs makes schemas in functions, like "const name = () => z.string()": the workflow sandbox has no Zod, so one made when the module loads fails every workflow task.',
};

const arrowRules = Object.keys(arrows).map((from) => ({
  name: `longhaul/arrows-of-${from}`,
  files: topLevel.includes(from) ? [`${from}.ts`] : [`${from}/**`],
  rules: {
    'no-restricted-imports': ['error', { patterns: [...foldersBarredTo(from), ...packagesBarredTo(from)] }],
    'no-restricted-syntax': ['error', ...hiddenImportsBarredTo(from), ...(from === 'jobs' ? [eagerSchema] : [])],
  },
}));

export default defineConfig(
  { ignores: ['dist/', 'coverage/', '.data/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-empty': 'error', // a silent catch needs at least its reason
      // An adapter's method is async because its interface is, even where SQLite answers at once.
      '@typescript-eslint/require-await': 'off',
      // Tools are objects of closures without a `this`; a factory takes of them what it needs by name.
      '@typescript-eslint/unbound-method': 'off',
      // What was caught may be thrown on as it came, whatever it is; a literal may not.
      '@typescript-eslint/only-throw-error': 'off',
      'no-throw-literal': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allow: ['URLSearchParams'] },
      ],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: ['test/**'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' }, // matchers such as expect.stringContaining are any
  },
  arrowRules,
);

function foldersBarredTo(from) {
  const { may, instead } = arrows[from];
  const barred = Object.keys(arrows).filter((to) => to !== from && to !== 'schedules' && !may.includes(to));
  return barred.map((to) => {
    const typesOnly = may.includes(`${to} (types)`);
    return {
      regex: importOf(to, filesOf(to, may)),
      allowTypeImports: typesOnly,
      message: typesOnly
        ? `${from} may import only types of ${to}, by "import type": ${instead}.`
        : `${from} may import ${listed(may)}, not ${to}: ${instead}.`,
    };
  });
}

/** A relative import of a folder of the house, except for the files named. */
function importOf(folder, except) {
  const path = folder === 'config' ? 'config\\.js$' : `${folder}/`;
  return `^(\\.\\.?/)+${path}${except.length > 0 ? `(?!(${except.join('|')})\\.js$)` : ''}`;
}

function filesOf(folder, may) {
  return may.filter((name) => name.startsWith(`${folder}/`)).map((name) => name.split('/')[1]);
}

function packagesBarredTo(from) {
  const { packages, instead } = arrows[from];
  if (packages === undefined) return [];
  return [
    {
      regex: `^(?!\\.|(${packages.join('|')})(/|$))`,
      message: `${from} may import no package but ${listed(packages)}: ${instead}.`,
    },
  ];
}

/** The core rule sees neither `await import('…')` nor a type's `import('…')`. */
function hiddenImportsBarredTo(from) {
  const { packages } = arrows[from];
  if (packages !== undefined) {
    const message = `${from} may not import in the middle of a file: import at its top.`;
    return ['ImportExpression', 'TSImportType'].map((selector) => ({ selector, message }));
  }
  return foldersBarredTo(from).map(({ regex, allowTypeImports, message }) => ({
    selector: `${allowTypeImports ? 'ImportExpression' : ':matches(ImportExpression, TSImportType)'}[source.value=/${regex.replaceAll('/', '\\u002F')}/]`,
    message,
  }));
}

function listed(names) {
  if (names.length === 0) return 'nothing of the house but itself';
  return names.length === 1 ? names[0] : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
