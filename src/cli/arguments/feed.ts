// Parsers of names, kinds and positions of the change feed.

import { InvalidArgumentError } from 'commander'
import { CHANGE_KINDS, type FeedKind } from '../../core/change-message.ts'
import { FEED_NAME } from '../../core/rule.ts'
import { parseChoice } from './choice.ts'

export function parseFeedName(text: string): string {
  if (!FEED_NAME.test(text))
    throw new InvalidArgumentError('It must be lower-case letters, digits and hyphens.')
  return text
}

export function parseChangeKind(text: string): FeedKind {
  return parseChoice(text, CHANGE_KINDS)
}

export function parsePosition(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new InvalidArgumentError('It must be a position of the feed: a number, 0 or more.')
  return Number(text)
}
