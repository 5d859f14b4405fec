/** The steps of the file pipeline: inspect a picture, make a derivative of it. */
import type { StepsOf } from '../../jobs/define-job.js';
import type { Derivative, DerivativeName, filePipeline } from '../../jobs/file-pipeline.js';
import { PermanentError } from '../../jobs/errors.js';
import { fileIdPattern } from '../../jobs/file-id.js';
import { BlobNotFound, type Blobs } from '../../storage/blobs.js';
import type { Ledger } from '../../storage/ledger.js';
import { once } from '../../storage/once.js';
import { beating, type StepContext } from '../step-context.js';
import { startDecoders, type Decoders, type Source } from './decoders.js';
import { formats, recipes } from './recipes.js';

const known = Object.keys(recipes).join(', ');

export interface FileTools {
  readonly blobs: Blobs;
  readonly ledger: Ledger;
  readonly stepContext: () => StepContext;
  /** Shared by all steps of this process. */
  readonly decoders?: Decoders;
}

export function fileActivities({ blobs, ledger, stepContext, decoders = startDecoders() }: FileTools) {
  return {
    async inspectFile(fileId) {
      const context = stepContext();
      using _alive = beating(context); // also while it waits for a free decoder; one that hangs is ended by its own limits
      const source = await sourceOf(fileId, context);
      const facts = await decoders.inspect(source, context.signal);
      return { ...facts, bytes: source.bytes };
    },

    async makeDerivative({ fileId, name }) {
      // A run that was started from Temporal's UI has not been checked by the API.
      if (!Object.hasOwn(recipes, name)) {
        throw new PermanentError('unknown-derivative', `There is no derivative "${name}". Ask for one of ${known}.`);
      }
      const context = stepContext();
      using _alive = beating(context);
      const source = await sourceOf(fileId, context);
      return once<Derivative>(
        ledger,
        effectOf(source, name, context),
        context.holder,
        () => make(source, name, context),
        {
          isStillGood: async (made) => (await blobs.stat(made.fileId)) !== undefined,
        },
      );
    },
  } satisfies StepsOf<typeof filePipeline>;

  async function sourceOf(fileId: string, { tenant }: StepContext): Promise<StoredSource> {
    if (typeof fileId !== 'string' || !fileIdPattern.test(fileId)) {
      throw new PermanentError('invalid-input', `${JSON.stringify(fileId)} is no fileId. POST /v1/files gives one.`);
    }
    // Another tenant's file is none: the API says the same.
    const found = fileId.startsWith(`${tenant}.`) ? await blobs.stat(fileId) : undefined;
    if (found === undefined) throw new BlobNotFound(fileId);
    return { ...found, open: () => blobs.open(fileId) };
  }

  async function make(source: Source, name: DerivativeName, { tenant, signal }: StepContext): Promise<Derivative> {
    const recipe = recipes[name];
    const { extension } = formats[recipe.format];
    return decoders.derive(source, recipe, signal, async (content, { mediaType, width, height }) => {
      const { fileId, bytes } = await blobs.put(tenant, content, { signal });
      await ledger.saveFile({ fileId, name: `${name}.${extension}`, mediaType, bytes });
      return { name, fileId, mediaType, width, height, bytes };
    });
  }
}

interface StoredSource extends Source {
  readonly sha256: string;
}

/** By content and recipe: whoever asks for the same again gets what is there. */
const effectOf = ({ sha256 }: StoredSource, name: DerivativeName, { tenant }: StepContext) =>
  `${tenant}/file/${sha256}/${name}@${recipes[name].version}`;
