/** What a mail consists of: three Handlebars texts that read `email`, `name` and `data.<key>`. */
export interface MailTexts {
  /** One line. */
  readonly subject: string;
  readonly text: string;
  /** A whole document; what it reads is escaped. */
  readonly html: string;
}

/**
 * The HTML around a mail: narrow and centred, in the reader's light or dark colours, with nothing loaded from outside.
 * @param preview what an inbox shows beside the subject
 * @param body paragraphs
 */
export const page = (preview: string, body: string) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <style>
      body { margin: 0; padding: 0; background: #f4f5f7; color: #1c2330; }
      .card { background: #ffffff; border-radius: 8px; padding: 32px; }
      p { margin: 0 0 16px; }
      .small { margin: 0; font-size: 13px; color: #5b6472; }
      @media (max-width: 480px) { .card { padding: 24px 20px; border-radius: 0; } }
      @media (prefers-color-scheme: dark) {
        body { background: #12151b; color: #e6e9ef; }
        .card { background: #1c212a; }
        .small { color: #a0a8b5; }
      }
    </style>
  </head>
  <body>
    <div style="display: none; max-height: 0; overflow: hidden">${preview}</div>
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
      <tr>
        <td align="center" style="padding: 24px 0">
          <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width: 560px">
            <tr>
              <td class="card" align="left" style="font: 16px/1.5 -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; overflow-wrap: anywhere">
${body.trim().replaceAll(/^/gm, ' '.repeat(16))}
              </td>
            </tr>
          </table>
        </td>
      </tr>
    </table>
  </body>
</html>
`;
