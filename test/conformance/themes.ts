/** Every theme of the table, in the order in which people read it. */
import type { Theme } from './theme.ts';
import { answers } from './themes/answers.ts';
import { attempts } from './themes/attempts.ts';
import { bodies } from './themes/bodies.ts';
import { changes } from './themes/changes.ts';
import { clients } from './themes/clients.ts';
import { decisions } from './themes/decisions.ts';
import { fuzz } from './themes/fuzz.ts';
import { handshakes } from './themes/handshakes.ts';
import { origins } from './themes/origins.ts';
import { ownAnswers } from './themes/own-answers.ts';
import { paths } from './themes/paths.ts';
import { pipelines } from './themes/pipelines.ts';
import { pools } from './themes/pools.ts';
import { refusedBodies } from './themes/refused-bodies.ts';
import { refusedHeads } from './themes/refused-heads.ts';
import { renaming } from './themes/renaming.ts';
import { requestHeads } from './themes/request-heads.ts';
import { retries } from './themes/retries.ts';
import { ruleTexts } from './themes/rule-texts.ts';
import { shares } from './themes/shares.ts';
import { vouching } from './themes/vouching.ts';

export const DECIDING: readonly Theme[] = [decisions, ruleTexts, clients, shares, paths, changes];
export const HEADS: readonly Theme[] = [requestHeads, vouching, refusedHeads, answers, renaming];
export const FRAMING: readonly Theme[] = [refusedBodies, origins, bodies];
export const FORWARDING: readonly Theme[] = [attempts, retries, pools, ownAnswers, handshakes, pipelines];
export const FUZZ: readonly Theme[] = [fuzz];

export const THEMES: readonly Theme[] = [...DECIDING, ...HEADS, ...FRAMING, ...FORWARDING, ...FUZZ];
