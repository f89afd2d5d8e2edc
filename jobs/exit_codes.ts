/** Exit code of a command that was given what it cannot work with. */
export const REFUSED = 2;

/** Exit code of a training whose loss is no number any more: the same again would end the same. */
export const DIVERGED = 3;

/** Exit code of a process that may be started again as it is, here or elsewhere (`EX_TEMPFAIL`). */
export const TRY_AGAIN = 75;
