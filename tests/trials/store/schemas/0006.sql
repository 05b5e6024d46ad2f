BEGIN TRANSACTION;
CREATE TABLE kw_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT kw_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "kw_alembic_version" VALUES('0006');
CREATE TABLE kw_baseline (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	network TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	backbone JSON, 
	params BIGINT NOT NULL, 
	macs BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	measured_by INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	worker TEXT, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE, 
	accuracy_error DOUBLE, 
	loss DOUBLE, 
	images INTEGER, 
	seconds DOUBLE NOT NULL, 
	finished_at DATETIME, schedule_epochs INTEGER, 
	CONSTRAINT pk_kw_baseline PRIMARY KEY (id), 
	CONSTRAINT fk_kw_baseline_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT uq_kw_baseline_study_id_number UNIQUE (study_id, number), 
	CONSTRAINT uq_kw_baseline_study_id_digest_seed UNIQUE (study_id, digest, seed), 
	CONSTRAINT ck_kw_baseline_ck_kw_baseline_state CHECK (state IN ('waiting', 'running', 'complete', 'stopped', 'failed')), 
	CONSTRAINT ck_kw_baseline_ck_kw_baseline_attempt CHECK (attempt >= 0)
);
INSERT INTO "kw_baseline" VALUES(1,1,0,'plain','resnet8x0.25','cd96444e26d9f3bf92788bcd37e08208e48c5eff7fba00be1caca32a05c23231',NULL,4934,48544,0,1,1,'complete',NULL,NULL,'vm:8215',2,5.87931034482758629877e-01,2.05480375530524110583e-02,1.57457030546182186192e+00,299,2.47177222200025425991e+00,'2026-11-26 21:15:17.198000',NULL);
INSERT INTO "kw_baseline" VALUES(2,1,1,'plain','resnet8x0.25','cd96444e26d9f3bf92788bcd37e08208e48c5eff7fba00be1caca32a05c23231',NULL,4934,48544,1,1,1,'complete',NULL,NULL,'vm:8215',2,6.48861698183166524245e-01,1.84195343700084210314e-02,1.21794762777292264743e+00,299,2.02893631299957633018e+00,'2026-11-26 21:15:19.487000',NULL);
INSERT INTO "kw_baseline" VALUES(3,1,2,'repeat','resnet8x0.25','c6545213a9480950a11a4ecf88fa5d7fcfecb31d71941794bbd4a28a17bfdc9d',NULL,12054,78624,1866372270,1,1,'complete',NULL,NULL,'vm:8215',2,6.40615498702261865204e-01,2.10934006974486804031e-02,1.23892604819019735984e+00,299,5.56326829699992231326e+00,'2026-11-26 21:15:54.463000',NULL);
INSERT INTO "kw_baseline" VALUES(4,1,3,'repeat','resnet8x0.25','b3b1a8b08fb7251ffecf0cc8ad3a9a4f831e9dc08971fd211ab6309a01264aea',NULL,14356,85248,2012442942,1,1,'complete',NULL,NULL,'vm:8215',2,4.88372265480163103568e-01,2.19063749707469855587e-02,1.67230739637924274987e+00,299,5.90314119800041225971e+00,'2026-11-26 21:16:00.575000',NULL);
INSERT INTO "kw_baseline" VALUES(5,1,4,'repeat','resnet8x0.25','b09360bd0d22d30b8f1da1b0d3bdb054bd1aa0fd175cfe0203fb2efe70b51fcb',NULL,17067,94320,1171814508,1,1,'complete',NULL,NULL,'vm:8215',2,7.06989247311827884168e-01,2.13500372660662858514e-02,1.2550345391585167043e+00,299,5.81170611500056111253e+00,'2026-11-26 21:16:06.727000',NULL);
INSERT INTO "kw_baseline" VALUES(6,1,5,'repeat','resnet8x0.25','030f85bc30c2f2a596da518cc5f35738f6644374d81df35680688852c001f75e',NULL,18846,98784,2943342348,1,1,'complete',NULL,NULL,'vm:8215',2,7.11312569521690862828e-01,2.11117680686127538736e-02,1.28701708072459219955e+00,299,5.42789423199974407907e+00,'2026-11-26 21:16:12.371000',NULL);
CREATE TABLE kw_baseline_measurement (
	baseline_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_baseline_measurement PRIMARY KEY (baseline_id, epoch), 
	CONSTRAINT fk_kw_baseline_measurement_baseline_id FOREIGN KEY(baseline_id) REFERENCES kw_baseline (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_baseline_measurement" VALUES(1,1,1,5.28490915832406371599e-01,2.12364628230574357947e-02,1.82347943793959088587e+00,299,1.36091821400077606085e+00,'2026-11-26 21:15:16.086000');
INSERT INTO "kw_baseline_measurement" VALUES(1,2,1,5.87931034482758629877e-01,2.05480375530524110583e-02,1.57457030546182186192e+00,299,2.47177222200025425991e+00,'2026-11-26 21:15:17.146000');
INSERT INTO "kw_baseline_measurement" VALUES(2,1,1,5.43959955506117864842e-01,1.89724516772649884344e-02,1.55134479986962,299,0.980068212000333,'2026-11-26 21:15:18.382000');
INSERT INTO "kw_baseline_measurement" VALUES(2,2,1,6.48861698183166524245e-01,1.84195343700084210314e-02,1.21794762777292264743e+00,299,2.02893631299957633018e+00,'2026-11-26 21:15:19.438000');
INSERT INTO "kw_baseline_measurement" VALUES(3,1,1,5.0172043010752687131e-01,2.02783610988109506967e-02,1.52597197787207083941e+00,299,2.79894769400016230065e+00,'2026-11-26 21:15:51.648000');
INSERT INTO "kw_baseline_measurement" VALUES(3,2,1,6.40615498702261865204e-01,2.10934006974486804031e-02,1.23892604819019735984e+00,299,5.56326829699992231326e+00,'2026-11-26 21:15:54.412000');
INSERT INTO "kw_baseline_measurement" VALUES(4,1,1,3.49592139414163893817e-01,1.87845368043384405853e-02,1.91380795460581398792e+00,299,3.05424461700022220611e+00,'2026-11-26 21:15:57.690000');
INSERT INTO "kw_baseline_measurement" VALUES(4,2,1,4.88372265480163103568e-01,2.19063749707469855587e-02,1.67230739637924274987e+00,299,5.90314119800041225971e+00,'2026-11-26 21:16:00.539000');
INSERT INTO "kw_baseline_measurement" VALUES(5,1,1,6.4828698553948838068e-01,0.0227773237887195,1.52862131770148246268e+00,299,2.88978855300047143828e+00,'2026-11-26 21:16:03.710000');
INSERT INTO "kw_baseline_measurement" VALUES(5,2,1,7.06989247311827884168e-01,2.13500372660662858514e-02,1.2550345391585167043e+00,299,5.81170611500056111253e+00,'2026-11-26 21:16:06.612000');
INSERT INTO "kw_baseline_measurement" VALUES(6,1,1,5.09295513533555732621e-01,2.41327459858774392986e-02,1.68445115148375479385e+00,299,2.54318898599922249559e+00,'2026-11-26 21:16:09.447000');
INSERT INTO "kw_baseline_measurement" VALUES(6,2,1,7.11312569521690862828e-01,2.11117680686127538736e-02,1.28701708072459219955e+00,299,5.42789423199974407907e+00,'2026-11-26 21:16:12.332000');
CREATE TABLE kw_file (
	trial_id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	CONSTRAINT pk_kw_file PRIMARY KEY (trial_id), 
	CONSTRAINT fk_kw_file_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
INSERT INTO "kw_file" VALUES(1,'old/checkpoints/20261126T211441265000/0-2.safetensors','b269f2faa140cd6921570983d591906adff3a5d70b73c2f493a972955626f4dd',59976);
INSERT INTO "kw_file" VALUES(2,'old/checkpoints/20261126T211441265000/1-2.safetensors','683b5d5c1a51eac0c290f2e0205afdc8e84ab3b008ba4d7cbb2684301f5ab809',87168);
CREATE TABLE kw_front (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	hypervolume DOUBLE NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_front PRIMARY KEY (id), 
	CONSTRAINT fk_kw_front_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT uq_kw_front_study_id_number UNIQUE (study_id, number)
);
INSERT INTO "kw_front" VALUES(1,1,0,0,6.63935236682733798119e-01,20000,0.1,'2026-11-26 21:15:25.251000');
INSERT INTO "kw_front" VALUES(2,1,1,1,6.76665097719327701675e-01,20000,0.1,'2026-11-26 21:15:30.867000');
CREATE TABLE kw_front_member (
	front_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	CONSTRAINT pk_kw_front_member PRIMARY KEY (front_id, place), 
	CONSTRAINT fk_kw_front_member_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT fk_kw_front_member_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_front_member" VALUES(1,0,1);
INSERT INTO "kw_front_member" VALUES(2,0,1);
INSERT INTO "kw_front_member" VALUES(2,1,2);
CREATE TABLE kw_measurement (
	trial_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, goes_on BOOLEAN, reason TEXT, 
	CONSTRAINT pk_kw_measurement PRIMARY KEY (trial_id, epoch), 
	CONSTRAINT fk_kw_measurement_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_measurement" VALUES(1,1,1,6.36110493140526478406e-01,2.30686108082118861151e-02,1.57082568595650329257e+00,299,2.681029946000307973e+00,'2026-11-26 21:15:22.554000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(1,2,1,6.97541713014460440511e-01,2.26633860905698023002e-02,1.25875956982157011232e+00,299,5.36925224100014,'2026-11-26 21:15:25.198000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(2,1,1,7.2446792732665932224e-01,0.0228981595345838,1.53859557975661198625e+00,299,2.53051996100020915037e+00,'2026-11-26 21:15:28.099000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(2,2,1,7.95150166852057860289e-01,2.19231622931221545313e-02,1.22687823694880204783e+00,299,5.28035308100061229197e+00,'2026-11-26 21:15:30.810000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(3,1,1,0.539451242120875,1.99712559865031294425e-02,1.56501782642329168027e+00,299,2.50341449799998372327e+00,'2026-11-26 21:15:33.727000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(3,2,1,6.95824990730441239605e-01,2.27816051271957954738e-02,1.21845868761925402168e+00,299,5.28076507399964611977e+00,'2026-11-26 21:15:36.486000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(4,1,1,6.86332962550982528249e-01,2.20954421212557830522e-02,1.31648777424351215437e+00,299,2.47168759399937698617e+00,'2026-11-26 21:15:39.348000',0,'Place 3 of 4 in front 1, with room for 2: the front is crowded where it stands.');
INSERT INTO "kw_measurement" VALUES(5,1,1,5.14212087504634651757e-01,2.3547767175297943526e-02,1.81977616089432303603e+00,299,2.85703137800010154023e+00,'2026-11-26 21:15:42.612000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(5,2,1,0.664200964034112,2.22534698185752576049e-02,1.56162978185712519874e+00,299,5.84573805899981380207e+00,'2026-11-26 21:15:45.544000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(6,1,1,6.8096032628846858703e-01,0.0216890540395205,1.53196697547458726695e+00,299,2.65594707299987931037e+00,'2026-11-26 21:15:48.519000',0,'Place 4 of 6 in front 1, with room for 3: the front is crowded where it stands.');
CREATE TABLE kw_study (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	settings JSON NOT NULL, 
	backbone JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	trials INTEGER NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	lease_owner TEXT, 
	lease_until DATETIME, smallest_params BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_kw_study PRIMARY KEY (id), 
	CONSTRAINT uq_kw_study_name UNIQUE (name)
);
INSERT INTO "kw_study" VALUES(1,'old','{"name":"old","space":{"backbone":"resnet8x0.25","exclude":[],"addresses":{},"granularity":"network","cell_num_ratio":{"low":0.25,"high":2.0,"log":true},"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":[0.0625,0.125],"nonlocal_basis_ratio":1.0,"sharing_range":"stage","attention_norm":null,"spatial_partition":true},"budget":{"max_params":20000,"min_params":null,"max_macs":null,"min_macs":null},"proxy":{"data":"digits","folder":null,"download":false,"image_size":null,"channels":null,"skip_damaged":false,"epochs":[1,2],"validation_share":0.2,"training_share":0.3,"batch_size":32,"learning_rate":0.1,"momentum":0.9,"weight_decay":0.0005,"warmup_epochs":0.1,"temperature_share":0.1111111111111111,"attention_start":"assigned","attention_learning_rate":0.1,"start":"scratch","start_learning_rate":0.01,"gradient_clip":null,"label_smoothing":0.0,"class_weights":"none","quality":"balanced_accuracy","recalibration":16,"crop_padding":0,"flip":false,"dtype":"float32","way":"auto"},"task":{"function":null,"input":null,"outputs":null,"epochs":null,"quality":null,"version":null},"baselines":{"seeds":2,"networks":[]},"search":{"sampler":"tpe","trials":6,"seed":0,"promotion":"halving","eta":2.0,"accuracy_floor":null,"repeats":2,"stop_after_plateau":null,"reuse":true},"execution":{"executor":"serial","isolate":null,"threads":1,"gpus_per_trial":0.0,"workers":null,"cpus_per_trial":1,"address":null,"trial_timeout":null,"epoch_timeout":null,"max_failures":2},"seeds":[],"images":"6e31d1b935b78efebfbea439686b18c519fb540e7a00ff1d3ec4121472e0e413","read":"digits: 1,797 images in 10 classes, from 174 of ''8'' to 183 of ''3'': 1,498 to learn from and compare trials on, 299 kept for the end.","training":1,"identity":"d51b39bddff780cac7e739f775e9d77fa61de42ec9aa30f8852b5c971d31cbba"}','{"name":"resnet8x0.25","num_classes":10,"in_channels":1,"input_size":[8,8],"sites":[{"name":"layer1.0.conv1","address":"stage0_layer0_conv0","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer1.0.conv2","address":"stage0_layer0_conv1","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer2.0.conv1","address":"stage0_layer1_conv0","kind":"conv","in_channels":4,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[2,2]},{"name":"layer2.0.conv2","address":"stage1_layer0_conv1","kind":"conv","in_channels":8,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[1,1]},{"name":"layer3.0.conv1","address":"stage1_layer1_conv0","kind":"conv","in_channels":8,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[2,2]},{"name":"layer3.0.conv2","address":"stage2_layer0_conv1","kind":"conv","in_channels":16,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[1,1]}],"plain_params":326,"plain_macs":2464,"attention_norm":"batch","plain_layers":[]}',0,6,20000,0.1,'0.1.0','2026-11-26 21:14:41.265000',NULL,NULL,12054);
CREATE TABLE kw_tally (
	study_id INTEGER NOT NULL, 
	waiting INTEGER NOT NULL, 
	running INTEGER NOT NULL, 
	complete INTEGER NOT NULL, 
	stopped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	infeasible INTEGER NOT NULL, 
	over_budget INTEGER NOT NULL, 
	under_budget INTEGER NOT NULL, 
	known INTEGER NOT NULL, 
	epochs BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	front_id INTEGER, 
	unit VARCHAR(32), 
	CONSTRAINT pk_kw_tally PRIMARY KEY (study_id), 
	CONSTRAINT fk_kw_tally_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_tally_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id)
);
INSERT INTO "kw_tally" VALUES(1,0,0,4,2,0,0,0,0,0,10,2.6903743121999468713e+01,2,'8fabf1e933734f468b84240caab4a248');
CREATE TABLE kw_training (
	id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	data TEXT NOT NULL, 
	part VARCHAR(16) NOT NULL, 
	finished_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_training PRIMARY KEY (id), 
	CONSTRAINT fk_kw_training_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
CREATE TABLE kw_trial (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	config TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	params BIGINT NOT NULL, 
	macs BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	choices JSON NOT NULL, 
	sampler_state JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	worker TEXT, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE, 
	accuracy_error DOUBLE, 
	loss DOUBLE, 
	seconds DOUBLE NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	place INTEGER, 
	front_id INTEGER, 
	CONSTRAINT pk_kw_trial PRIMARY KEY (id), 
	CONSTRAINT fk_kw_trial_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_trial_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT uq_kw_trial_study_id_number UNIQUE (study_id, number), 
	CONSTRAINT uq_kw_trial_study_id_digest UNIQUE (study_id, digest), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_state CHECK (state IN ('waiting', 'running', 'complete', 'stopped', 'failed')), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_attempt CHECK (attempt >= 1)
);
INSERT INTO "kw_trial" VALUES(1,1,0,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2544,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','c6545213a9480950a11a4ecf88fa5d7fcfecb31d71941794bbd4a28a17bfdc9d',12054,78624,226777820,1,'{"cell_num_ratio":0.2544,"reduction":0.0625}','{"fixed_params":{"cell_num_ratio":0.2544,"reduction":0.0625}}','complete',NULL,NULL,'vm:8215',2,6.97541713014460440511e-01,2.26633860905698023002e-02,1.25875956982157011232e+00,5.36925224100014,'2026-11-26 21:15:19.551000','2026-11-26 21:15:25.251000',0,1);
INSERT INTO "kw_trial" VALUES(2,1,1,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.442,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.125,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','030f85bc30c2f2a596da518cc5f35738f6644374d81df35680688852c001f75e',18846,98784,3540881199,1,'{"cell_num_ratio":0.442,"reduction":0.125}','{"fixed_params":{"cell_num_ratio":0.442,"reduction":0.125}}','complete',NULL,NULL,'vm:8215',2,7.95150166852057860289e-01,2.19231622931221545313e-02,1.22687823694880204783e+00,5.28035308100061229197e+00,'2026-11-26 21:15:25.312000','2026-11-26 21:15:30.867000',1,2);
INSERT INTO "kw_trial" VALUES(3,1,2,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3062,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','b3b1a8b08fb7251ffecf0cc8ad3a9a4f831e9dc08971fd211ab6309a01264aea',14356,85248,1832839533,1,'{"cell_num_ratio":0.3062,"reduction":0.0625}','{"fixed_params":{"cell_num_ratio":0.3062,"reduction":0.0625}}','complete',NULL,NULL,'vm:8215',2,6.95824990730441239605e-01,2.27816051271957954738e-02,1.21845868761925402168e+00,5.28076507399964611977e+00,'2026-11-26 21:15:30.952000','2026-11-26 21:15:36.539000',2,2);
INSERT INTO "kw_trial" VALUES(4,1,3,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2975,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.125,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','37224e2118fc1b90b3a37cf8f2edcc99b34c30591e8eed6a04e567a80052b653',13728,84096,375231797,1,'{"cell_num_ratio":0.2975,"reduction":0.125}','{"fixed_params":{"cell_num_ratio":0.2975,"reduction":0.125}}','stopped','promotion','Place 3 of 4 in front 1, with room for 2: the front is crowded where it stands.','vm:8215',1,6.86332962550982528249e-01,2.20954421212557830522e-02,1.31648777424351215437e+00,2.47168759399937698617e+00,'2026-11-26 21:15:36.596000','2026-11-26 21:15:39.399000',3,2);
INSERT INTO "kw_trial" VALUES(5,1,4,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3775,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','b09360bd0d22d30b8f1da1b0d3bdb054bd1aa0fd175cfe0203fb2efe70b51fcb',17067,94320,3257323400,1,'{"cell_num_ratio":0.3775,"reduction":0.0625}','{"fixed_params":{"cell_num_ratio":0.3775,"reduction":0.0625}}','complete',NULL,NULL,'vm:8215',2,0.664200964034112,2.22534698185752576049e-02,1.56162978185712519874e+00,5.84573805899981380207e+00,'2026-11-26 21:15:39.468000','2026-11-26 21:15:45.559000',4,2);
INSERT INTO "kw_trial" VALUES(6,1,5,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.2615,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.125,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','f12e54bdc646a5ed6b683b187d981246c52a32be24c9956c806f12e36c2a037f',12577,80784,681805948,1,'{"cell_num_ratio":0.2615,"reduction":0.125}','{"fixed_params":{"cell_num_ratio":0.2615,"reduction":0.125}}','stopped','promotion','Place 4 of 6 in front 1, with room for 3: the front is crowded where it stands.','vm:8215',1,6.8096032628846858703e-01,0.0216890540395205,1.53196697547458726695e+00,2.65594707299987931037e+00,'2026-11-26 21:15:45.612000','2026-11-26 21:15:48.546000',5,2);
CREATE INDEX ix_kw_trial_study_id_state_number ON kw_trial (study_id, state, number);
CREATE VIEW kw_current_front AS 
        SELECT s.name AS study, m.place, t.number AS trial, t.params, t.macs, t.accuracy,
               t.accuracy_error, t.digest, t.config
        FROM kw_study s
        JOIN kw_tally y ON y.study_id = s.id
        JOIN kw_front_member m ON m.front_id = y.front_id
        JOIN kw_trial t ON t.id = m.trial_id;
CREATE VIEW kw_trials_flat AS 
        SELECT s.name AS study, t.number AS trial, t.state, t.cause, t.detail, t.params, t.macs,
               t.epochs, t.accuracy, t.accuracy_error, t.loss, t.seconds, t.attempt, t.worker,
               t.started_at, t.finished_at, t.place AS finished_as, f.hypervolume, t.digest,
               t.config
        FROM kw_study s
        JOIN kw_trial t ON t.study_id = s.id
        LEFT JOIN kw_front f ON f.id = t.front_id;
CREATE INDEX ix_kw_training_trial_id ON kw_training (trial_id);
CREATE VIEW kw_hypervolume_history AS 
    SELECT s.name AS study, f.number AS front, f.trial, f.hypervolume, s.smallest_params,
           f.reference_params, f.reference_accuracy, f.created_at,
           (SELECT count(*) FROM kw_front_member m WHERE m.front_id = f.id) AS members
    FROM kw_study s
    JOIN kw_front f ON f.study_id = s.id;
CREATE VIEW kw_baselines_flat AS 
    SELECT s.name AS study, b.number AS baseline, b.role, b.network, b.params, b.macs, b.seed,
           b.state, b.cause, b.detail, b.schedule_epochs, b.epochs, b.accuracy, b.accuracy_error,
           b.loss, b.images, b.seconds, b.attempt, b.worker, b.finished_at
    FROM kw_study s
    JOIN kw_baseline b ON b.study_id = s.id;
COMMIT;
