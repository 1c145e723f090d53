// Whole numbers of 64 bits become bigint; pay.ts says how they come through JSON whole.
export default {
	input: 'openapi.json',
	output: 'client',
	plugins: ['@hey-api/client-fetch', '@hey-api/typescript', {name: '@hey-api/transformers', bigInt: true, dates: false}, {name: '@hey-api/sdk', transformer: true}],
}
