// Runs one call of OrangeData's own npm package and prints its answer. The
// order comes on standard input: {call, order, positions, payments} or
// {call, inn, id}. Nothing of the package is changed but the address.
const fs = require('fs');
const { OrangeData, Order, Correction } = require('node-orangedata');
const ItemCode = require('node-orangedata/lib/ItemCode'); // its index forgets this one

const file = (name) => fs.readFileSync(process.env[name]);
const agent = new OrangeData({
  apiUrl: process.env.API_URL, ca: file('CA'), cert: file('CERT'), key: file('CERT_KEY'),
  passphrase: 'unused', privateKey: file('PRIVATE_KEY'),
});

const input = JSON.parse(fs.readFileSync(0));
let asked;
switch (input.call) {
  case 'sendOrder': {
    const order = new Order(input.order);
    (input.positions || []).forEach((p) => order.addPosition(p));
    (input.payments || []).forEach((p) => order.addPayment(p));
    if (input.attribute) order.addUserAttribute(input.attribute);
    asked = agent.sendOrder(order);
    break;
  }
  case 'sendCorrection':
  case 'sendCorrection12':
    asked = agent[input.call](new Correction(input.order));
    break;
  case 'checkItemCode':
    asked = agent.checkItemCode(new ItemCode(input.order));
    break;
  default:
    asked = agent[input.call](input.inn, input.id);
}
Promise.resolve(asked).then(
  (answer) => console.log(JSON.stringify({ answer: answer === undefined ? null : answer })),
  (error) => console.log(JSON.stringify({ error: error.message, status: error.statusCode || 0, errors: error.errors || [] })),
);
