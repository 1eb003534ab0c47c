/**
 * Two texts as a unified diff that `patch` takes; nothing for equal texts. Pure.
 */
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

export function differenceOf(name: string, before: string, after: string): string {
  if (before === after) return '';
  return createTwoFilesPatch(name, name, before, after, 'before', 'after', {
    context: 3,
    headerOptions: FILE_HEADERS_ONLY,
  });
}
