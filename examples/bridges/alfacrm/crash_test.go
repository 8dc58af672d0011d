package main

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/alfacrmtest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// process is the bridge as a process of its own, and its CRM.
type process struct {
	*bridgetest.Process
	crm *alfacrmtest.Server
}

func newProcess(t *testing.T) *process {
	w := newWorld(t, nil)
	return &process{bridgetest.Spawn(w.World, bridgetest.Free(t)), w.crm}
}

func (p *process) order() string {
	p.T.Helper()
	status, body := p.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, `{"ref":"2091","amount":"3500.00","shop":"sber"}`)
	require.Equal(p.T, http.StatusOK, status, body)
	var link struct{ Number string }
	require.NoError(p.T, json.Unmarshal([]byte(body), &link))
	return link.Number
}

// TestKilled: the process is killed between the bank's callback and AlfaCRM's
// answer, at each step; started again it posts the payment, once.
func TestKilled(t *testing.T) {
	for name, fault := range map[string]alfacrmtest.Fault{
		"while logging in":             {Op: alfacrmtest.OpLogin, Kind: alfacrmtest.Delay, Delay: time.Minute},
		"while looking":                {Op: alfacrmtest.OpPayIndex, Kind: alfacrmtest.Delay, Delay: time.Minute},
		"while posting, not done yet":  {Op: alfacrmtest.OpPayCreate, Kind: alfacrmtest.Delay, Delay: time.Minute},
		"after posting, no answer yet": {Op: alfacrmtest.OpPayCreate, Kind: alfacrmtest.LostAnswer, Delay: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProcess(t)
			number := p.order()
			if fault.Op == alfacrmtest.OpLogin {
				p.crm.RevokeTokens()
			}
			p.crm.Fail(fault)
			o, _ := p.Sber.Order(number)
			require.NoError(t, p.Sber.Pay(o.ID))
			p.Sber.Deliver() // the bank heard success
			all := p.Sber.Deliveries()
			require.Equal(t, http.StatusOK, all[len(all)-1].Answer().Status)
			time.Sleep(time.Duration(50+rand.IntN(150)) * time.Millisecond) // the request is under way
			p.Kill()
			if fault.Op != alfacrmtest.OpPayCreate {
				assert.Empty(t, p.crm.Pays())
			}
			p.crm.ClearFaults()
			p.Run()
			require.Eventually(t, func() bool { return p.Done() == 1 }, 20*time.Second, 10*time.Millisecond)
			assert.Len(t, p.crm.Pays(), 1)
			assert.Equal(t, money.RUB(3500, 0), p.crm.Balance(alfacrmtest.DefaultCustomer))
		})
	}
}

// TestKilledBeforeTheBankWasAnswered: nothing was stored, the bank heard
// nothing; the payment is found when the process is back.
func TestKilledBeforeTheBankWasAnswered(t *testing.T) {
	p := newProcess(t)
	number := p.order()
	o, _ := p.Sber.Order(number)
	p.Sber.Fail(sberbanktest.Fault{Kind: sberbanktest.Delay, Delay: time.Minute, Times: -1})
	require.NoError(t, p.Sber.Pay(o.ID))
	time.Sleep(100 * time.Millisecond) // the callback came, and the payment is being read back
	p.Kill()
	p.Sber.ClearFaults()
	assert.Empty(t, p.crm.Pays())
	p.Run()
	require.Eventually(t, func() bool { return p.Done() == 1 }, 20*time.Second, 10*time.Millisecond)
	assert.Len(t, p.crm.Pays(), 1)
}

// TestKilledAgainAndAgain: payments come while the process is killed at random
// moments; each is posted once.
func TestKilledAgainAndAgain(t *testing.T) {
	p := newProcess(t)
	const payments = 12
	var ids []string
	for range payments {
		o, _ := p.Sber.Order(p.order())
		ids = append(ids, o.ID)
	}
	for i, id := range ids {
		if i%2 == 0 {
			p.crm.Fail(alfacrmtest.Fault{Op: alfacrmtest.OpPayCreate, Kind: alfacrmtest.LostAnswer, Delay: time.Duration(rand.IntN(100)) * time.Millisecond})
		}
		require.NoError(t, p.Sber.Pay(id))
		if i%3 == 2 {
			time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
			p.Kill()
			p.Run()
		}
	}
	p.crm.ClearFaults()
	require.Eventually(t, func() bool { return p.Done() == payments }, time.Minute, 50*time.Millisecond)
	assert.Len(t, p.crm.Pays(), payments)
	assert.Equal(t, money.RUB(3500*payments, 0), p.crm.Balance(alfacrmtest.DefaultCustomer))
}
