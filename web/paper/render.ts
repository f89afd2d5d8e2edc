export const renderPaper = (_: string): Promise<string> => Promise.resolve("");
