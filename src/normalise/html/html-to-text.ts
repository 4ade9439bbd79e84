// HTML to the text that a reader sees: paragraphs, lines and list items, without markup.

import { BlockWriter } from './block-writer.ts'
import { readHtml } from './read-html.ts'

/** Returns clean text; plain text is returned with its spaces collapsed. */
export function htmlToText(html: string): string {
  const writer = new BlockWriter()
  readHtml(html, {
    open: (name) => writer.breakAt(name),
    close: (name) => writer.breakAt(name),
    text: (text) => writer.words(text),
  })
  return writer.toString()
}
