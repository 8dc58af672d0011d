package tochkatest

import (
	"fmt"
	"slices"
	"time"
)

// subscription is what an operation has besides when it is one (подписка).
type subscription struct {
	recurring bool // charged on demand
	options   object
	tranches  int
	period    string // Day, Month, Year
	days      int
	done      int    // tranches paid
	status    string // of a scheduled one
	declines  []time.Time
	refuse    int // charges to be declined
}

// most tranches of a scheduled subscription, by its period.
var mostTranches = map[string]int{"Day": 100, "Month": 84, "Year": 10}

func (c *call) subscribe() (reply, *refusal) { return c.createSubscription(false) }

func (c *call) subscribeWithReceipt() (reply, *refusal) { return c.createSubscription(true) }

func (c *call) createSubscription(receipt bool) (reply, *refusal) {
	recurring, options := c.flag("recurring"), c.nested("Options")
	if recurring && options != nil {
		return reply{}, invalid("Options", "Value error, Options are not allowed when recurring is true")
	}
	sub := &subscription{recurring: recurring, status: "Preparing"}
	if !recurring {
		sub.tranches, sub.period, sub.days = 12, "Month", 1
		c := call{doc: options}
		if n, there := c.integer("trancheCount"); there {
			sub.tranches = n
		}
		if p := c.text("period"); p != "" {
			sub.period = p
		}
		n, there := c.integer("daysInPeriod")
		if there {
			sub.days = n
		}
		switch {
		case there && sub.period != "Day":
			return reply{}, invalid("Options.daysInPeriod", "Value error, daysInPeriod is allowed with period Day only")
		case sub.tranches > mostTranches[sub.period]:
			return reply{}, invalid("Options.trancheCount", fmt.Sprintf("Input should be less than or equal to %d", mostTranches[sub.period]))
		}
		sub.options = object{{"trancheCount", sub.tranches}, {"period", sub.period}}
		if sub.period == "Day" {
			sub.options = sub.options.with("daysInPeriod", sub.days)
		}
	}
	op, point, fault := c.order()
	if fault != nil {
		return reply{}, fault
	}
	if !slices.Contains(point.PaymentModes, "card") {
		return reply{}, no(c.opt.modeStatus, "Validation Error", "Payment mode card is not available")
	}
	op.modes, op.sub = []string{"card"}, sub
	if receipt {
		if fault := c.receipt(op, point); fault != nil {
			return reply{}, fault
		}
	}
	if fault := c.register(op); fault != nil {
		return reply{}, fault
	}
	o := object{{"purpose", op.purpose}, {"amount", roubles(op.amount)}, {"status", op.status}, {"operationId", op.id}, {"paymentLink", c.linkOf(op)},
		{"consumerId", op.consumer}, {"recurring", recurring}}.some("Options", sub.options).with("paymentLinkId", op.link)
	if receipt {
		o = append(o.with("customerCode", op.customer).some("redirectUrl", op.redirect).some("failRedirectUrl", op.fail).with("merchantId", op.merchant), op.receipt...)
	}
	return ok(o)
}

// start begins the schedule after the first payment; the lock is held.
func (s *Server) start(op *operation) {
	op.sub.status, op.sub.done = "Active", 1
	s.plan(op)
}

// plan arms the clock for the next tranche.
func (s *Server) plan(op *operation) {
	sub := op.sub
	if sub.recurring {
		return
	}
	if sub.done >= sub.tranches {
		sub.status = "Completed"
		return
	}
	next := op.paid
	switch sub.period {
	case "Day":
		next = next.AddDate(0, 0, sub.days*sub.done)
	case "Month":
		next = next.AddDate(0, sub.done, 0)
	case "Year":
		next = next.AddDate(sub.done, 0, 0)
	}
	s.base.Clock.AtFunc(next, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if sub.status != "Active" {
			return
		}
		sub.done++
		if sub.refuse > 0 {
			sub.refuse--
			s.note("tranche declined: " + op.id)
		} else {
			s.approve(op, op.amount, false)
		}
		s.plan(op)
	})
}

// DeclineCharges makes the bank of the customer refuse the next charges of a
// subscription.
func (s *Server) DeclineCharges(id string, times int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	op := s.find(id)
	if op == nil || op.sub == nil {
		return fmt.Errorf("tochkatest: no subscription %q", id)
	}
	op.sub.refuse = times
	return nil
}

func (c *call) listSubscriptions() (reply, *refusal) {
	company, fault := c.company(c.query.Get("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	recurring := c.query.Get("recurring") == "true" || c.query.Get("recurring") == "1"
	var found []*operation
	for _, id := range c.opIDs {
		if op := c.operations[id]; op.sub != nil && op.customer == company.CustomerCode && op.sub.recurring == recurring {
			found = append(found, op)
		}
	}
	list, page, pages := part(c, found)
	out := []object{}
	for _, op := range list {
		o := c.operationObject(op, true)
		if op.receipt == nil {
			o = o.with("Items", []object{})
		}
		out = append(out, o.some("Options", op.sub.options).with("recurring", op.sub.recurring))
	}
	return reply{data: object{{"Subscription", out}}, page: page, pages: pages}, nil
}

func (c *call) ownSubscription() (*operation, *refusal) {
	op := c.operations[c.path["operationId"]]
	if op == nil || op.sub == nil || !slices.Contains(c.grant.customers, op.customer) {
		return nil, business("Subscription not found")
	}
	c.age(op)
	return op, nil
}

// charge takes money by a subscription on demand: another entry under the same
// operation, another webhook in the same words.
func (c *call) charge() (reply, *refusal) {
	op, fault := c.ownSubscription()
	switch {
	case fault != nil:
		return reply{}, fault
	case !op.sub.recurring:
		return reply{}, business("Subscription not found")
	case c.takeRefusal(OpCharge):
		return reply{data: refusedResult, bare: true}, nil
	}
	refuse := func(words string) (reply, *refusal) {
		a, fault := c.refused(words, refusedResult)
		a.bare = true
		return a, fault
	}
	if op.status != "APPROVED" || op.saveCard {
		return refuse("Ошибка валидации: списание по подписке невозможно")
	}
	now := c.base.Clock.Now()
	today := slices.DeleteFunc(slices.Clone(op.sub.declines), func(t time.Time) bool {
		return t.In(moscow).Format(date) != now.In(moscow).Format(date)
	})
	if len(today) >= 2 {
		return refuse("Превышено количество неуспешных попыток списания")
	}
	if op.sub.refuse > 0 {
		op.sub.refuse--
		op.sub.declines = append(today, now)
		return reply{data: refusedResult, bare: true}, nil
	}
	c.approve(op, c.sum("amount"), false)
	return reply{data: object{{"result", true}}, bare: true}, nil
}

// scheduled finds a subscription that has a status: one on demand has none.
func (c *call) scheduled() (*operation, *refusal) {
	op, fault := c.ownSubscription()
	if fault == nil && op.sub.recurring {
		fault = business("Subscription not found")
	}
	return op, fault
}

func (c *call) subscriptionStatus() (reply, *refusal) {
	op, fault := c.scheduled()
	if fault != nil {
		return reply{}, fault
	}
	status := op.sub.status
	if op.status == "EXPIRED" {
		status = "Expired"
	}
	return ok(object{{"status", status}})
}

func (c *call) cancelSubscription() (reply, *refusal) {
	op, fault := c.scheduled()
	if fault != nil {
		return reply{}, fault
	}
	if op.sub.status != "Active" && op.sub.status != "Preparing" {
		return c.refused("Подписка в статусе "+op.sub.status, refusedResult)
	}
	op.sub.status = "Cancelled"
	if op.status == "CREATED" {
		op.expires = c.base.Clock.Now()
		c.age(op)
	}
	return result(true)
}
