// The CRM of a training centre that takes payments: an example to copy from.
// Without any settings it runs on SQLite and on a sandbox of all providers:
//
//	go run -C examples/crm .
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/demo"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/crm/web"
	"github.com/acquiring-go/acquiring/examples/internal/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr, nil); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "crm:", err)
		os.Exit(1)
	}
}

// settings are what the command line and the environment say.
type settings struct {
	address, public, database, key, sandboxAddress, smtp, smtpFrom string
	sandbox                                                        bool
}

func parse(args []string, getenv func(string) string, out io.Writer) (settings, error) {
	or := func(name, value string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return value
	}
	var s settings
	flags := flag.NewFlagSet("crm", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&s.address, "addr", or("CRM_ADDR", "127.0.0.1:8085"), "адрес, на котором слушать (CRM_ADDR)")
	flags.StringVar(&s.public, "public", getenv("CRM_PUBLIC_URL"), "адрес, который видят банки и клиенты, https://… (CRM_PUBLIC_URL)")
	flags.StringVar(&s.database, "db", or("CRM_DB", filepath.Join("data", "crm.db")), "файл SQLite или postgres://… (CRM_DB)")
	flags.BoolVar(&s.sandbox, "sandbox", getenv("CRM_SANDBOX") != "off", "песочница всех банков в этой же программе; -sandbox=false для работы с банками (CRM_SANDBOX=off)")
	flags.StringVar(&s.sandboxAddress, "sandbox-addr", or("CRM_SANDBOX_ADDR", "127.0.0.1:8086"), "адрес песочницы (CRM_SANDBOX_ADDR)")
	flags.StringVar(&s.smtp, "smtp", getenv("CRM_SMTP"), "почтовый сервер для уведомлений, host:port (CRM_SMTP)")
	flags.StringVar(&s.smtpFrom, "smtp-from", or("CRM_SMTP_FROM", "crm@localhost"), "адрес отправителя писем (CRM_SMTP_FROM)")
	err := flags.Parse(args)
	s.key = getenv("CRM_KEY")
	return s, err
}

// run is the program. ready, if given, gets the CRM's address.
func run(ctx context.Context, args []string, getenv func(string) string, out, logs io.Writer, ready chan<- string) error {
	s, err := parse(args, getenv, logs)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	keyFile := "crm.key"
	if !strings.Contains(s.database, "://") {
		if err := os.MkdirAll(filepath.Dir(s.database), 0o700); err != nil {
			return err
		}
		keyFile = filepath.Join(filepath.Dir(s.database), "crm.key")
	}
	box, err := secret.Load(s.key, keyFile)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	defer listener.Close()
	if s.public == "" {
		s.public = "http://" + listener.Addr().String()
	}
	s.public = strings.TrimSuffix(s.public, "/")
	db, err := store.Open(ctx, s.database)
	if err != nil {
		return err
	}
	defer db.Close()
	registry := &shops.Registry{Store: db, Box: box, PublicURL: s.public, Logger: logger}
	service, err := billing.New(ctx, db, registry, logger)
	if err != nil {
		return err
	}
	site := &web.Site{Store: db, Billing: service, Shops: registry, Box: box, Logger: logger}

	var show *demo.Demo
	fresh := false
	if s.sandbox {
		bank, err := sandbox.Start(s.sandboxAddress, sandbox.Options{})
		if err != nil {
			return fmt.Errorf("the sandbox: %w", err)
		}
		defer bank.Close()
		show = &demo.Demo{Store: db, Shops: registry, Sandbox: bank}
		if fresh, err = show.Fill(ctx); err != nil {
			return err
		}
		site.Sandbox, site.Demo = bank.URL+"/", "Демонстрация: логин "+demo.Login+", пароль "+demo.Password
	} else if err := firstUser(ctx, db, out); err != nil {
		return err
	}

	server := &http.Server{Handler: site.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	work, stop := context.WithCancel(ctx)
	defer stop()
	if show != nil {
		if err := show.Forget(work, service); err != nil {
			return err
		}
	}
	worked := make(chan error, 1)
	go func() { worked <- service.Run(work) }()
	go service.SendMails(work, s.smtp, s.smtpFrom)

	fmt.Fprintf(out, "CRM:        %s\n", s.public)
	if show != nil {
		fmt.Fprintf(out, "Вход:       логин %s, пароль %s\nПесочница:  %s\nБаза:       %s\n", demo.Login, demo.Password, site.Sandbox, s.database)
		if err := show.Connect(work); err != nil {
			logger.Error("demonstration", "error", err)
		}
		if fresh {
			if err := show.History(work, service); err != nil {
				logger.Error("demonstration", "error", err)
			}
		}
	}
	if ready != nil {
		ready <- s.public
	}
	select {
	case <-ctx.Done():
	case err = <-served:
	}
	// Requests under way come to their end first, then what was begun behind.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	err = errors.Join(ignoreClosed(err), server.Shutdown(last))
	stop()
	return errors.Join(err, <-worked)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// firstUser makes the administrator where nobody can log in, and prints his
// password once.
func firstUser(ctx context.Context, db *store.Store, out io.Writer) error {
	n, err := db.CountUsers(ctx, db.DB)
	if err != nil || n > 0 {
		return err
	}
	password := secret.Random(16)
	hash, err := web.HashPassword(password)
	if err != nil {
		return err
	}
	if _, err := db.AddUser(ctx, db.DB, store.User{Login: "admin", Name: "Администратор", PasswordHash: hash}); err != nil {
		return err
	}
	for kind, name := range map[string]string{store.CashDesks: "Онлайн-касса", store.PayTypes: "Оплата обучения", store.Articles: "Выручка"} {
		if _, err := db.AddWord(ctx, db.DB, kind, name); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "Первый вход: логин admin, пароль %s (больше не покажем)\n", password)
	return nil
}
