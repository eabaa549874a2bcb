/** Ends a request with an answer. Thrown only inside the receiver, and caught in one place. */
import type { AnswerWord } from '../../spool/wire-answer.ts';

export class Refusal extends Error {
  readonly answer: AnswerWord;

  constructor(answer: AnswerWord, message: string) {
    super(message);
    this.answer = answer;
  }
}
