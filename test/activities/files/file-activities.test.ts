import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDecoders } from '../../../activities/files/decoders.js';
import { recipes } from '../../../activities/files/recipes.js';
import type { DerivativeName } from '../../../jobs/file-pipeline.js';
import { BlobNotFound } from '../../../storage/blobs.js';
import { until } from '../../support/until.js';
import { decodersRunning } from './decoders-running.js';
import {
  animation,
  blue,
  detailed,
  distance,
  green,
  quarters,
  quartersOf,
  red,
  slowGif,
  white,
  yellow,
  type Colour,
} from './pictures.js';
import { codeOf, fileBench } from './pipeline-bench.js';

let bench: Awaited<ReturnType<typeof fileBench>>;
beforeAll(async () => {
  bench = await fileBench();
});
afterAll(() => bench[Symbol.asyncDispose]());

const upright: Colour[] = [red, green, blue, yellow];

async function expectQuarters(content: Buffer, colours: Colour[], tolerance = 12) {
  const seen = await quartersOf(content);
  const off = Math.max(...colours.map((colour, i) => distance(colour, seen[i]!)));
  expect(off, `saw ${JSON.stringify(seen)}`).toBeLessThanOrEqual(tolerance);
}

describe('inspecting', () => {
  test.each(['jpeg', 'png', 'webp', 'gif'] as const)('a %s is told from its content, with its size', async (kind) => {
    const content = await quarters().toFormat(kind).toBuffer();
    expect(await bench.inspect(content)).toEqual({
      mediaType: `image/${kind}`,
      width: 400,
      height: 300,
      bytes: content.length,
    });
  });

  test('the size is the displayed one: turned as EXIF says, and of one frame', async () => {
    const onItsSide = await quarters().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await bench.inspect(onItsSide)).toMatchObject({ width: 300, height: 400 });

    const moving = await (await animation([red, green, blue])).gif().toBuffer();
    expect(await bench.inspect(moving)).toMatchObject({ width: 60, height: 40 });
  });

  test('a file that is gone, or another tenant’s, is not found', async () => {
    const others = await bench.upload(await quarters().png().toBuffer(), 'other');
    await expect(bench.steps().inspectFile(others)).rejects.toThrow(BlobNotFound);
    await expect(bench.steps().inspectFile(`default.${'0'.repeat(64)}`)).rejects.toThrow(BlobNotFound);
    await expect(bench.steps({ tenant: 'other' }).inspectFile(others)).resolves.toMatchObject({ width: 400 });
  });
});

describe('deriving', () => {
  test.each<[DerivativeName, string, number, number, string]>([
    ['thumbnail', 'image/webp', 320, 213, 'webp'],
    ['preview', 'image/webp', 1280, 853, 'webp'],
    ['webp', 'image/webp', 1800, 1200, 'webp'],
    ['jpeg', 'image/jpeg', 1800, 1200, 'jpeg'],
  ])('%s is %s of %i × %i, and looks like its source', async (name, mediaType, width, height, format) => {
    const { made, content } = await bench.derive(await quarters(1_800, 1_200).png().toBuffer(), name);
    expect(made).toEqual({ name, fileId: made.fileId, mediaType, width, height, bytes: content.length });
    expect(await sharp(content).metadata()).toMatchObject({ format, width, height });
    await expectQuarters(content, upright);
  });

  test('a small picture is never enlarged, and the thinnest keeps a pixel', async () => {
    const small = await bench.derive(await quarters(40, 30).png().toBuffer(), 'thumbnail');
    expect(small.made).toMatchObject({ width: 40, height: 30 });

    const thin = { create: { width: 9_000, height: 1, channels: 3, background: '#f00' } } as const;
    const { made } = await bench.derive(await sharp(thin).png().toBuffer(), 'thumbnail');
    expect(made).toMatchObject({ width: 320, height: 1 });
  });

  test('what a format cannot hold is shrunk until it can: WebP 16383, JPEG 65500 pixels a side', async () => {
    const wide = { create: { width: 70_000, height: 20, channels: 3, background: '#00f' } } as const;
    const source = await sharp(wide).png().toBuffer();
    expect((await bench.derive(source, 'webp')).made).toMatchObject({ width: 16_383, height: 5 });
    expect((await bench.derive(source, 'jpeg')).made).toMatchObject({ width: 65_500, height: 19 });
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('EXIF orientation %i is applied', async (orientation) => {
    const [a, b, c, d] = upright as [Colour, Colour, Colour, Colour];
    const displayed: Record<number, Colour[]> = {
      1: [a, b, c, d],
      2: [b, a, d, c],
      3: [d, c, b, a],
      4: [c, d, a, b],
      5: [a, c, b, d],
      6: [c, a, d, b],
      7: [d, b, c, a],
      8: [b, d, a, c],
    };
    const { made, content } = await bench.derive(
      await quarters().withMetadata({ orientation }).jpeg().toBuffer(),
      'webp',
    );
    expect([made.width, made.height]).toEqual(orientation < 5 ? [400, 300] : [300, 400]);
    await expectQuarters(content, displayed[orientation]!);
  });

  test.each(['thumbnail', 'webp', 'jpeg'] as const)('%s holds no metadata: no GPS, no profile', async (name) => {
    const source = await quarters()
      .withMetadata({ orientation: 1 })
      .withIccProfile('p3')
      .withExif({ IFD0: { Artist: 'Ada' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 28/1 40/1' } })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')
      .jpeg()
      .toBuffer();
    expect(Object.keys(await sharp(source).metadata())).toEqual(expect.arrayContaining(['exif', 'icc', 'xmp']));

    const { content } = await bench.derive(source, name);
    const metadata = await sharp(content).metadata();
    expect(Object.keys(metadata).filter((key) => /exif|icc|xmp|iptc|orientation|comments/.test(key))).toEqual([]);
    expect(content.includes('Ada')).toBe(false);
    await expectQuarters(content, upright); // from Display P3, whose red is another
  });

  test('a CMYK JPEG comes out in sRGB', async () => {
    const source = await quarters().toColourspace('cmyk').jpeg().toBuffer();
    expect((await sharp(source).metadata()).space).toBe('cmyk');
    const { content } = await bench.derive(source, 'webp');
    expect((await sharp(content).metadata()).space).toBe('srgb');
    const [magentaAndYellow, , cyanAndMagenta, yellowAlone] = await quartersOf(content);
    // What these inks look like on coated paper; read as RGB they would be far off.
    expect(distance(magentaAndYellow!, [237, 28, 36])).toBeLessThan(40);
    expect(distance(cyanAndMagenta!, [46, 49, 146])).toBeLessThan(40);
    expect(distance(yellowAlone!, [255, 242, 0])).toBeLessThan(40);
  });

  test('a PNG of 16 bits keeps its colours', async () => {
    const source = await quarters().toColourspace('rgb16').png().toBuffer();
    expect((await sharp(source).metadata()).depth).toBe('ushort');
    const { content } = await bench.derive(source, 'jpeg');
    await expectQuarters(content, upright);
  });

  test('transparency of a palette PNG stays in WebP, and is white in JPEG', async () => {
    const clear = { create: { width: 100, height: 100, channels: 4, background: '#0000' } } as const;
    const bar = { create: { width: 50, height: 100, channels: 4, background: '#f00' } } as const;
    const source = await sharp(clear)
      .composite([{ input: await sharp(bar).png().toBuffer(), left: 0, top: 0 }])
      .png({ palette: true })
      .toBuffer();
    expect((await sharp(source).metadata()).isPalette).toBe(true);

    const { content: webp } = await bench.derive(source, 'webp');
    const alpha = await sharp(webp).extractChannel('alpha').raw().toBuffer();
    expect([alpha[50 * 100 + 25], alpha[50 * 100 + 75]]).toEqual([255, 0]);

    const { content: jpeg } = await bench.derive(source, 'jpeg');
    await expectQuarters(jpeg, [red, white, red, white]);
  });
});

describe('animations', () => {
  test.each(['gif', 'webp'] as const)(
    'of %s keep frames, pace and loops in webp; the others show one',
    async (kind) => {
      const source = await (
        await animation([red, green, blue])
      )
        .toFormat(kind, { delay: [100, 200, 300], loop: 2 })
        .toBuffer();

      const { made, content } = await bench.derive(source, 'webp');
      expect(made).toMatchObject({ mediaType: 'image/webp', width: 60, height: 40 });
      expect(await sharp(content, { animated: true }).metadata()).toMatchObject({
        pages: 3,
        pageHeight: 40,
        delay: [100, 200, 300],
        loop: 2,
      });
      for (const [page, colour] of [red, green, blue].entries()) {
        expect(distance((await quartersOf(content, page))[0]!, colour)).toBeLessThan(12);
      }

      for (const name of ['thumbnail', 'preview', 'jpeg'] as const) {
        const still = await bench.derive(source, name);
        expect(still.made).toMatchObject({ width: 60, height: 40 });
        expect((await sharp(still.content).metadata()).pages ?? 1).toBe(1);
        await expectQuarters(still.content, [red, red, red, red]);
      }
    },
  );

  test('are turned frame by frame', async () => {
    const frames = [await quarters().png().toBuffer(), await quarters().negate().png().toBuffer()];
    const source = await sharp(frames, { join: { animated: true } })
      .withMetadata({ orientation: 6 })
      .webp({ delay: [70, 90], loop: 3 })
      .toBuffer();
    expect(await bench.inspect(source)).toMatchObject({ width: 300, height: 400 });

    const { made, content } = await bench.derive(source, 'webp');
    expect(made).toMatchObject({ width: 300, height: 400 });
    expect(await sharp(content, { animated: true }).metadata()).toMatchObject({ pages: 2, delay: [70, 90], loop: 3 });
    await expectQuarters(content, [blue, red, yellow, green]);
    expect(distance((await quartersOf(content, 1))[0]!, yellow)).toBeLessThan(12); // blue, negated
  });
});

describe('what was made', () => {
  test('is kept: the same again is given back, and made again only when its object is gone', async () => {
    let decodes = 0;
    const real = startDecoders();
    await using counted = await fileBench({
      decoders: { ...real, derive: (...given) => ((decodes += 1), real.derive(...given)) },
    });
    const fileId = await counted.upload(await quarters().png().toBuffer());

    const first = await counted.steps().makeDerivative({ fileId, name: 'thumbnail' });
    expect(await counted.steps().makeDerivative({ fileId, name: 'thumbnail' })).toEqual(first);
    expect(decodes).toBe(1);
    expect(await counted.ledger.file(first.fileId)).toEqual({
      fileId: first.fileId,
      name: 'thumbnail.webp',
      mediaType: 'image/webp',
      bytes: first.bytes,
    });

    await counted.remove(first.fileId);
    expect(await counted.steps().makeDerivative({ fileId, name: 'thumbnail' })).toEqual(first);
    expect(decodes).toBe(2);
    expect(await counted.read(first.fileId)).toHaveLength(first.bytes);
  });

  test('has a key of tenant, content, derivative and recipe version', async () => {
    const fileId = await bench.upload(await quarters(120, 80).png().toBuffer());
    const made = await bench.steps().makeDerivative({ fileId, name: 'preview' });
    const effect = `default/file/${fileId.split('.')[1]}/preview@${recipes.preview.version}`;
    const [claimed] = await bench.ledger.claim(
      [{ effect, item: 0 }],
      { ...holder, activityId: 'another' },
      { onAmbiguous: 'resend', round: 0 },
    );
    expect(claimed).toMatchObject({ state: 'done', result: made });
  });

  test('of a cancelled step is nothing, also no process', async () => {
    await using own = await fileBench();
    const fileId = await own.upload(slowGif());
    const before = await own.storedFiles();
    const cancel = new AbortController();

    const making = own.steps({ signal: cancel.signal }).makeDerivative({ fileId, name: 'webp' });
    const failed = expect(making).rejects.toThrow('cancelled by a person');
    await until('it decodes', async () => (await decodersRunning()).length > 0);
    cancel.abort(new Error('cancelled by a person'));
    await failed;

    expect(await decodersRunning()).toEqual([]);
    expect(await own.storedFiles()).toEqual(before);
  });

  test('beats while it is made, and while it waits for a free decoder', async () => {
    await using own = await fileBench({ decoders: startDecoders({ atOnce: 1 }) });
    const fileId = await own.upload(slowGif());
    const beats = [0, 0];
    const cancel = new AbortController();
    const both = beats.map((_, i) =>
      own.steps({ signal: cancel.signal, heartbeat: () => (beats[i]! += 1) }).inspectFile(fileId),
    );
    const settled = Promise.allSettled(both);

    await until('both beat', () => beats.every((count) => count > 0));
    expect(await decodersRunning()).toHaveLength(1);
    cancel.abort();
    await settled;
    expect(await decodersRunning()).toEqual([]);
  });

  test('a derivative that is none fails for good', async () => {
    const fileId = await bench.upload(await detailed().png().toBuffer());
    expect(await codeOf(bench.steps().makeDerivative({ fileId, name: 'toString' as DerivativeName }))).toBe(
      'unknown-derivative',
    );
  });
});

const holder = {
  workflowId: 'another',
  runId: 'run',
  chain: 'run',
  activityId: '1',
  attempt: 1,
  process: 'test',
  heartbeatMs: 10_000,
};
