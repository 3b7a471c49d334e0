// SPDX-License-Identifier: BSD-2-Clause
/*
 * The loop: keys, signals by a descriptor, the number of the registry's last
 * change every few hundredths of a second. What takes long is done the less
 * often, so that a registry of any size leaves a terminal that answers.
 */
#include "registrar/top/top_screen.h"

#include "schema/base/clock.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOOK_MS 50
#define SHARE 10       /* looks take a tenth of the time at most */
#define SECOND_MS 1000 /* ages change */
#define ESCAPE_MS 25   /* escape alone, or the beginning of a key */
#define SIZE_MIN_ROWS 2
#define SIZE_MIN_COLUMNS 10

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };

/* ---- the terminal ----------------------------------------------------- */

static int check_terminal(struct diag *reterr)
{
	const char *term = getenv("TERM");

	if (!isatty(STDIN_FILENO)) {
		return diag_set(reterr, -ENOTTY,
		    "standard input is no terminal; --once prints a plain "
		    "table");
	}
	if (term && *term && strcmp(term, "dumb") != 0)
		return 0;
	return diag_set(reterr, -ENOTTY,
	    "found terminal '%s', expected one whose cursor can be moved; "
	    "--once prints a plain table",
	    term ? term : "");
}

static void take_size(struct top_screen *s)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row &&
	    size.ws_col)
		(void)resizeterm(size.ws_row, size.ws_col);
	s->rows = LINES < SIZE_MIN_ROWS ? SIZE_MIN_ROWS : (unsigned)LINES;
	s->columns =
	    COLS < SIZE_MIN_COLUMNS ? SIZE_MIN_COLUMNS : (unsigned)COLS;
	(void)clearok(stdscr, TRUE);
	if (s->view != VIEW_LIST)
		top_fill_pager(s);
	top_follow_selected(s);
}

static SCREEN *open_terminal(struct top_screen *s, struct diag *reterr)
{
	(void)setlocale(LC_CTYPE, "");
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen) {
		(void)diag_set(reterr, -ENOTTY,
		    "found terminal '%s', of which nothing is known; --once "
		    "prints a plain table",
		    getenv("TERM"));
		return NULL;
	}
	(void)set_escdelay(ESCAPE_MS);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)curs_set(0);
	s->colour = s->config->colour && has_colors() && start_color() == OK;
	if (s->colour)
		top_draw_colours();
	return screen;
}

/* ---- the loop --------------------------------------------------------- */

static void read_keys(struct top_screen *s)
{
	wint_t key;
	int kind;

	while (!s->done && (kind = get_wch(&key)) != ERR) {
		if (kind != KEY_CODE_YES || key != KEY_RESIZE)
			top_key(s, (unsigned)key, kind == KEY_CODE_YES);
	}
}

/* The signal that ends it, or 0. */
static int read_signals(struct top_screen *s, int fd)
{
	struct signalfd_siginfo info;
	int number = 0;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGWINCH) {
			take_size(s);
		} else {
			number = (int)info.ssi_signo;
		}
	}
	return number;
}

/* True: what is on the screen is not what is so any more. */
static bool look(struct top_screen *s, bool second)
{
	struct top_model *m = &s->model;
	bool news = top_model_refresh(m);

	if (!news && !second)
		return false;
	s->now_wall_ms = clock_wall_ms();
	top_model_tell(m, s->now_wall_ms);
	if (top_model_judge(m, s->now_wall_ms) || news) {
		top_model_arrange(m);
		top_follow_selected(s);
		if (s->view != VIEW_LIST)
			top_fill_pager(s);
	}
	return true;
}

/* When something is to be looked at again. */
struct schedule {
	int64_t look_ms, second_ms;
};

static void look_if_due(struct top_screen *s, struct schedule *next)
{
	int64_t now_ms = clock_mono_ms();
	bool second = now_ms >= next->second_ms;

	if (now_ms < next->look_ms && !second)
		return;
	if (look(s, second))
		top_draw(s);
	int64_t pause_ms = (clock_mono_ms() - now_ms) * SHARE;

	next->look_ms = now_ms + pause_ms + LOOK_MS;
	if (second)
		next->second_ms = now_ms + pause_ms + SECOND_MS;
}

/* 0, or the signal that ended it. */
static int run(struct top_screen *s, int signal_fd)
{
	struct schedule next = { 0, 0 };
	int number = 0;

	while (!s->done && !number) {
		struct pollfd fds[] = { { .fd = STDIN_FILENO,
			                    .events = POLLIN },
			{ .fd = signal_fd, .events = POLLIN } };

		look_if_due(s, &next);
		int64_t wait_ms = next.look_ms - clock_mono_ms();

		if (poll(fds, 2, wait_ms > 0 ? (int)wait_ms : 0) <= 0)
			continue;
		if (fds[1].revents)
			number = read_signals(s, signal_fd);
		if (fds[0].revents & POLLIN) {
			read_keys(s);
		} else if (fds[0].revents) {
			number = SIGHUP; /* the terminal is gone */
		}
		top_draw(s);
	}
	return number;
}

int top_screen(const struct top_config *c, int *ret_signal, struct diag *reterr)
{
	struct top_screen s = { .config = c };
	sigset_t set, before;
	int error = check_terminal(reterr);

	if (error < 0)
		return error;
	top_model_init(&s.model, c->registry, c->zone);
	(void)snprintf(s.model.filter, sizeof(s.model.filter), "%s", c->filter);
	(void)top_model_refresh(&s.model);
	if (*s.model.trouble)
		error = diag_set(reterr, -EIO, "%s", s.model.trouble);
	(void)sigemptyset(&set);
	for (size_t k = 0; k < sizeof(signals) / sizeof(*signals); k++)
		(void)sigaddset(&set, signals[k]);
	(void)sigprocmask(SIG_BLOCK, &set, &before);
	int fd =
	    error < 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	SCREEN *screen = error < 0 ? NULL : open_terminal(&s, reterr);

	if (!screen && error == 0)
		error = -ENOTTY;
	if (error == 0) {
		take_size(&s);
		/* what was read before it could be shown */
		s.now_wall_ms = clock_wall_ms();
		top_model_tell(&s.model, s.now_wall_ms);
		(void)top_model_judge(&s.model, s.now_wall_ms);
		top_model_arrange(&s.model);
		*ret_signal = run(&s, fd);
		(void)endwin();
		delscreen(screen);
	}
	if (fd >= 0)
		(void)close(fd);
	if (error < 0 || !*ret_signal)
		(void)sigprocmask(SIG_SETMASK, &before, NULL);
	top_pager_release(&s.pager);
	top_model_release(&s.model);
	return error;
}
