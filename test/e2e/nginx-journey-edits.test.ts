/**
 * People edit the configuration while nginx serves. The full run does the same with 200 edits.
 * @needs nginx
 */
import { nginxEdits } from '../support/nginx-edits-suite.ts';

nginxEdits(30, 90_000);
