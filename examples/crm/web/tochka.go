package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
)

// connect sends the user to the bank to confirm the consent («Подключить
// Точку»).
func (s *Site) connect(w http.ResponseWriter, r *http.Request) error {
	x, err := s.shopOf(r)
	if err != nil {
		return err
	}
	o, err := s.Shops.OAuth(x)
	if err != nil {
		return s.told(w, r, fmt.Sprintf("/shops/%d", x.ID), "", asProblem(err))
	}
	start, err := o.Begin(r.Context())
	if err != nil {
		return s.told(w, r, fmt.Sprintf("/shops/%d", x.ID), "", asProblem(err))
	}
	session, _ := r.Context().Value(sessionKey).(store.Session)
	if err := s.Store.SetOAuth(r.Context(), s.Store.DB, session.TokenHash, start.State, x.ID); err != nil {
		return err
	}
	http.Redirect(w, r, start.URL, http.StatusSeeOther)
	return nil
}

// consented is where the bank sends the user back from the consent.
func (s *Site) consented(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	session, _ := ctx.Value(sessionKey).(store.Session)
	if session.OAuthShop == 0 {
		return s.back(w, r, "/shops", "!Подключение не начиналось или уже завершено. Нажмите «Подключить Точку» ещё раз.")
	}
	to := fmt.Sprintf("/shops/%d", session.OAuthShop)
	if err := s.Store.SetOAuth(ctx, s.Store.DB, session.TokenHash, "", 0); err != nil {
		return err
	}
	x, err := s.Store.Shop(ctx, s.Store.DB, session.OAuthShop)
	if err != nil {
		return err
	}
	o, err := s.Shops.OAuth(x)
	if err != nil {
		return s.told(w, r, to, "", asProblem(err))
	}
	code, err := o.Returned(r.URL.Query(), session.OAuthState)
	if err != nil {
		return s.told(w, r, to, "", asProblem(err))
	}
	if err := s.Shops.Exchange(ctx, x, code); err != nil {
		return s.told(w, r, to, "", asProblem(err))
	}
	if err := s.Store.Write(ctx, s.Store.DB, store.Entry{Actor: session.User.Login, Event: "shop.connected", Subject: "shop", SubjectID: x.ID, Text: "Точка подключена: согласие подтверждено"}); err != nil {
		return err
	}
	if err := s.refreshBank(r, x); err != nil {
		return s.told(w, r, to, "", asProblem(err))
	}
	return s.back(w, r, to, "Точка подключена. Выберите торговую точку.")
}

// refreshBank reads the companies and retail points («Обновить данные из
// банка»). Where there is no choice, it chooses.
func (s *Site) refreshBank(r *http.Request, x store.Shop) error {
	bank, err := s.Shops.Discover(r.Context(), x)
	if err != nil {
		return err
	}
	if x.Settings.Bank, err = json.Marshal(bank); err != nil {
		return err
	}
	fields := maps.Clone(x.Settings.Fields)
	if len(bank.Companies) == 1 && fields["customer"] == "" {
		fields["customer"] = bank.Companies[0].Code
		if points := bank.Companies[0].Points; len(points) == 1 {
			fields["point"] = points[0].ID
		}
	}
	x.Settings.Fields = fields
	return s.Store.SaveShop(r.Context(), s.Store.DB, x)
}

func (s *Site) discover(w http.ResponseWriter, r *http.Request) error {
	x, err := s.shopOf(r)
	if err != nil {
		return err
	}
	return s.told(w, r, fmt.Sprintf("/shops/%d#bank", x.ID), "Данные из банка обновлены", asProblem(s.refreshBank(r, x)))
}

func (s *Site) choosePoint(w http.ResponseWriter, r *http.Request) error {
	x, err := s.shopOf(r)
	if err != nil {
		return err
	}
	company, point, _ := strings.Cut(r.PostFormValue("point"), "/")
	known := false
	if bank := shops.BankOf(x); bank != nil {
		for _, c := range bank.Companies {
			for _, p := range c.Points {
				known = known || (c.Code == company && p.ID == point)
			}
		}
	}
	to := fmt.Sprintf("/shops/%d", x.ID)
	if !known {
		return s.back(w, r, to, "!Выберите торговую точку")
	}
	x.Settings.Fields = maps.Clone(x.Settings.Fields)
	x.Settings.Fields["customer"], x.Settings.Fields["point"] = company, point
	if err := s.Store.SaveShop(r.Context(), s.Store.DB, x); err != nil {
		return err
	}
	message, problems, err := s.check(r.Context(), x.ID)
	if err != nil {
		return err
	}
	for _, t := range problems {
		return s.back(w, r, to, "!"+t.Text)
	}
	return s.back(w, r, to, "Торговая точка выбрана. "+message)
}

func (s *Site) subscribe(w http.ResponseWriter, r *http.Request) error {
	x, err := s.shopOf(r)
	if err != nil {
		return err
	}
	err = s.Shops.Subscribe(r.Context(), x)
	if err == nil {
		err = s.Store.Write(r.Context(), s.Store.DB, store.Entry{Actor: user(r).Login, Event: "shop.subscribed", Subject: "shop", SubjectID: x.ID, Text: "Адрес уведомлений передан банку"})
	}
	return s.told(w, r, fmt.Sprintf("/shops/%d", x.ID), "Банк будет присылать уведомления на адрес магазина", asProblem(err))
}
