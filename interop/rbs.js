// Runs one call of the npm package sberbank-acquiring and prints its answer.
// Nothing of the package is changed but the address it calls.
//   node rbs.js METHOD ARGUMENTS-AS-JSON
const Acquiring = require('sberbank-acquiring');

const { GATEWAY, USER_NAME, PASSWORD } = process.env;
const client = new Acquiring({ userName: USER_NAME, password: PASSWORD }, 'https://shop.example/back?order={order}', true);
client.entry = `${GATEWAY}/payment/rest/`;

const [method, args] = process.argv.slice(2);
client[method](...JSON.parse(args)).then(
  (answer) => console.log(JSON.stringify({ answer })),
  (error) => console.log(JSON.stringify({ error: error.message, code: String(error.sberErrorCode || '') })),
);
