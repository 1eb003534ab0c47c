/**
 * 200 edits, each a reload of nginx, under load and with streams open.
 * @needs nginx
 */
import { nginxEdits } from '../support/nginx-edits-suite.ts';

nginxEdits(200, 15 * 60_000);
