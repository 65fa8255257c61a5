/** What Node alone needs. */
console.log('{}');
