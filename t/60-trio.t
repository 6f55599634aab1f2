#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The main job on a real Postfix: what the demonstration shows, as a test.
use v5.36;
use lib 't/lib';
use Test::More;
use T::Stage;
use T::Postfix;
use T::Story;
use T::Trio;

T::Postfix->or_skip_all;
my $trio = T::Trio->start;
T::Story::play(
    $trio, saw => sub { ok($_[0], $_[1]) }, step => sub { note($_[0]) }, wire => sub { }, quote => sub { note($_[0]) },
);
all_done();
