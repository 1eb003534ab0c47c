/**
 * `update` without a proxy: the file itself is edited, or only compared with what it would become.
 */
import { differenceOf } from '../controller/difference.ts';
import { editFile, UnwritableFile } from '../controller/edit-file.ts';
import { UnreadableFile } from '../controller/text-file.ts';
import { setPercentage } from '../migration/edit.ts';
import { answerNo, cannot } from './failure.ts';
import { STDIN, sourceText } from './source-text.ts';
import { plain } from './streams.ts';

/** The line, or the difference, to print. Standard input has no place to write to: its edited text is what is printed. */
export async function updateFile(
  file: string,
  name: string,
  percentage: number,
  mode: 'write' | 'diff',
): Promise<string> {
  if (mode === 'diff' || file === STDIN) {
    const text = await sourceText(file);
    const edited = edit(text, file, name, percentage);
    return mode === 'diff' ? differenceOf(file, text, edited.text) : edited.text;
  }
  try {
    return await editFile(file, (text) => {
      const { text: after, from, to, line } = edit(text, file, name, percentage);
      if (after === text) return { text, result: `${name}: it is ${to} % already` };
      const before = from === null ? 'not set' : `${from} %`;
      return { text: after, result: plain(`${file}:${line}: ${name}: ${before} -> ${to} %`) };
    });
  } catch (error) {
    if (error instanceof UnreadableFile) throw cannot(`cannot read ${file}: ${error.message}`);
    if (error instanceof UnwritableFile) throw cannot(`cannot write ${file}: ${error.message}`);
    throw error;
  }
}

function edit(text: string, file: string, name: string, percentage: number) {
  const edited = setPercentage(text, file, name, percentage);
  if (edited.ok) return edited;
  throw edited.code === 'no_such_service' ? answerNo(edited.message) : cannot(edited.message);
}
