// Runs one call of the npm package alfabank, written for Alfa-Bank's gateway in
// Belarus, and prints its answer. Nothing of the package is changed but the
// address it calls: its own is a constant, so axios is told another.
//   node alfabank.js METHOD PARAMETERS-AS-JSON
const { useAlfaBank } = require('alfabank');

const { GATEWAY, USER_NAME, PASSWORD } = process.env;
const client = useAlfaBank({ userName: USER_NAME, password: PASSWORD });
client.instance.interceptors.request.use((config) => {
  config.url = config.url.replace('https://web.rbsuat.com/ab_by/rest/', `${GATEWAY}/payment/rest/`);
  return config;
});

const [method, params] = process.argv.slice(2);
client[method](JSON.parse(params)).then((answer) => console.log(JSON.stringify({ answer })));
