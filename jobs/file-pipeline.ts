import { z } from 'zod';
import { defineJob, step } from './define-job.js';
import { fileId } from './file-id.js';

export const derivativeNames = ['thumbnail', 'webp', 'preview', 'jpeg'] as const;
export type DerivativeName = (typeof derivativeNames)[number];
export const defaultDerivatives: DerivativeName[] = ['thumbnail', 'webp'];

export interface SourceFacts {
  readonly mediaType: string;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly bytes: number;
}

export interface Derivative {
  readonly name: DerivativeName;
  readonly fileId: string;
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

const pixels = () => z.int().positive();

export const filePipeline = defineJob({
  type: 'file-pipeline',
  summary: 'Inspect an uploaded picture and make its derivatives.',
  taskQueue: 'files',
  deadline: '1d',
  input: () =>
    z.strictObject({
      fileId: fileId().describe('A picture from POST /v1/files: JPEG, PNG, WebP or GIF.'),
      derivatives: z
        .array(z.enum(derivativeNames))
        .min(1)
        .max(derivativeNames.length)
        .refine((names) => new Set(names).size === names.length, 'must not name a derivative twice')
        .meta({ uniqueItems: true })
        .default(defaultDerivatives)
        .describe(
          'thumbnail: within 320 × 320, WebP. webp: full size, animations kept. preview: within 1280 × 1280, WebP. jpeg: full size, on white.',
        ),
    }),
  output: () =>
    z.strictObject({
      source: z.strictObject({
        mediaType: z.string(),
        width: pixels().optional(),
        height: pixels().optional(),
        bytes: z.int(),
      }),
      derivatives: z.array(
        z.strictObject({
          name: z.enum(derivativeNames),
          fileId: fileId(),
          mediaType: z.string(),
          width: pixels(),
          height: pixels(),
          bytes: z.int(),
        }),
      ),
    }),
  example: { fileId: `default.${'0a1b2c3d'.repeat(8)}`, derivatives: ['thumbnail', 'webp'] },
  filesOf: (input) => [input.fileId],
  steps: {
    inspectFile: step<string, SourceFacts>({ startToClose: '2m', heartbeat: '10s', retry: 'quick' }),
    makeDerivative: step<{ fileId: string; name: DerivativeName }, Derivative>({
      startToClose: '5m',
      heartbeat: '10s',
      retry: 'patient',
    }),
  },
});
